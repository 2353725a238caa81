import { endianness } from 'node:os';
import type { LoadedPlugin } from '../../lib/index.ts';
import type { TelemetryConfig } from './config.ts';

/** One plugin, as the report names it. */
export interface ReportedPlugin {
  readonly name: string;
  readonly version: string;
  readonly checksum: string;
}

/** What is sent, under the names of `usagereport.v1.UsageReportRequest`; docs/telemetry.md says what each is for. */
export interface UsageReport {
  readonly version: string;
  readonly runtime_version: string;
  readonly goos: string;
  readonly goarch: string;
  readonly service: 'gatewayd';
  readonly dev_mode: boolean;
  readonly plugins: readonly ReportedPlugin[];
}

/** Which plugins a report names, and which are publicly known. */
export interface NamedPlugins {
  readonly plugins: TelemetryConfig['usageReport']['plugins'];
  /** Checksums of the plugins that ship with the release; asked for with `public` only. */
  readonly publicChecksums: ReadonlySet<string>;
}

/** What a report is made from: the `startup` event has it all. */
export interface ReportSource {
  readonly version: string;
  readonly devMode: boolean;
  readonly plugins: readonly Pick<LoadedPlugin, 'name' | 'version' | 'checksum' | 'private'>[];
}

/** Receivers take no more than 16 KiB; the rest of a report is well under 1 KiB. */
const pluginBytesLimit = 15 * 1024;

const withheld: ReportedPlugin = Object.freeze({ name: 'other', version: '0.0.0', checksum: '0'.repeat(64) });

/** Node's words to Go's, where they differ. */
const goos = new Map([
  ['win32', 'windows'],
  ['sunos', 'solaris'],
]);
const goarch = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['ppc64', endianness() === 'LE' ? 'ppc64le' : 'ppc64'],
  ['mipsel', 'mipsle'],
]);

/** Receivers count characters, not UTF-16 units, and refuse the whole report for one word they do not like. */
function isAcceptable(word: string): boolean {
  const { length } = Array.from(word);
  return length >= 5 && length <= 128 && !/[\p{Cc}\p{Cs}]/u.test(word);
}

function reported(plugin: ReportSource['plugins'][number], { plugins, publicChecksums }: NamedPlugins): ReportedPlugin {
  const { name, version, checksum } = plugin;
  const acceptable = isAcceptable(name) && isAcceptable(version) && /^[0-9a-f]{64}$/.test(checksum);
  const named = !plugin.private && (plugins === 'all' || publicChecksums.has(checksum));
  return named && acceptable ? { name, version, checksum } : withheld;
}

/** As many of the plugins as fit: each, and each of its three strings, has a tag and a length of three bytes at most. */
function fitting(plugins: readonly ReportedPlugin[]): ReportedPlugin[] {
  let bytes = 0;
  return plugins.filter(({ name, version, checksum }) => {
    bytes += Buffer.byteLength(name + version + checksum) + 12;
    return bytes <= pluginBytesLimit;
  });
}

/**
 * Makes the report: from its arguments, and from nothing else of the machine than Node's version, the platform and
 * the architecture. The sender and `telemetry show` both take it from here.
 */
export function buildReport({ version, devMode, plugins }: ReportSource, named: NamedPlugins): UsageReport {
  return {
    version,
    runtime_version: process.version,
    goos: goos.get(process.platform) ?? process.platform,
    goarch: goarch.get(process.arch) ?? process.arch,
    service: 'gatewayd',
    dev_mode: devMode,
    plugins: named.plugins === 'none' ? [] : fitting(plugins.map((plugin) => reported(plugin, named))),
  };
}
