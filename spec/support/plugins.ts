import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { defaultPluginRow } from '../../lib/config/plugin-row.ts';
import type { PluginRow } from '../../lib/config/schema.ts';
import { PluginHost } from '../../lib/plugin/host.ts';
import type { PluginHostOptions } from '../../lib/plugin/options.ts';
import type { PluginReport } from '../../lib/plugin/report.ts';

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: number };

const fixtures = fileURLToPath(new URL('../fixtures/plugins', import.meta.url));

/** A row of `plugins` with the defaults filled in. */
export function pluginRow(row: Partial<PluginRow> & { readonly name: string }): PluginRow {
  return { ...defaultPluginRow(row.name), ...row };
}

/** A plugins folder of its own in a folder of its own, the hosts made on it, and their log. */
export class PluginBed {
  readonly root: string;
  readonly directory: string;
  readonly lockFile: string;
  readonly log: LogLine[] = [];
  readonly #hosts: PluginHost[] = [];

  constructor() {
    this.root = realpathSync(mkdtempSync(path.join(tmpdir(), 'gatewayd-plugins-')));
    this.directory = path.join(this.root, 'plugins');
    this.lockFile = path.join(this.root, 'plugins.lock');
    mkdirSync(this.directory);
    // Under tsx, which the specs run with, a bare .js file would be taken for CommonJS.
    writeFileSync(path.join(this.root, 'package.json'), '{ "type": "module" }');
  }

  /** Writes a file of the plugins folder, and the folders it is in; gives its path. */
  write(file: string, content: string): string {
    const full = path.join(this.directory, file);
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, content);
    return full;
  }

  /** Copies all of a folder of spec/fixtures/plugins into the plugins folder. */
  copy(fixture: string): this {
    cpSync(path.join(fixtures, fixture), this.directory, { recursive: true });
    return this;
  }

  options(options: Partial<PluginHostOptions> = {}): PluginHostOptions {
    const stream = { write: (line: string) => void this.log.push(JSON.parse(line) as LogLine) };
    return {
      version: '1.0.0',
      logger: pino({ level: 'debug', base: null }, stream),
      directory: this.directory,
      directoryGiven: true,
      builtInDirectory: path.join(this.root, 'built-in'),
      builtIns: [],
      lockFile: this.lockFile,
      verify: 'lock',
      devMode: false,
      rows: [],
      timeout: 1_000,
      ...options,
    };
  }

  host(options: Partial<PluginHostOptions> = {}): PluginHost {
    const host = new PluginHost(this.options(options));
    this.#hosts.push(host);
    return host;
  }

  /** A host that has loaded what it can. */
  async load(options: Partial<PluginHostOptions> = {}): Promise<PluginHost> {
    const host = this.host(options);
    await host.load();
    return host;
  }

  logged(code: string): readonly LogLine[] {
    return this.log.filter((line) => line['code'] === code);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#hosts) await host.deactivate();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The reports by name, without those of built-in plugins that are off. */
export function byName(reports: readonly PluginReport[]): ReadonlyMap<string, PluginReport> {
  return new Map(reports.filter(({ name }) => name !== 'telemetry').map((report) => [report.name, report]));
}

/** Source of a plugin that taps nothing. */
export function quietPlugin(members = ''): string {
  return `export default { version: '1.0.0', ${members} apply() {} };\n`;
}
