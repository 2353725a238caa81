import { rename, rm, writeFile } from 'node:fs/promises';
import { GatewayDError, messageOf } from '../errors.ts';
import { pluginErrors } from './errors.ts';
import { readPlainFile } from './read-plain-file.ts';

/** What `plugins.lock` says of one plugin. */
export interface LockEntry {
  /** Where the plugin was, relative to the lock, with `/`. Informative: a plugin goes by its name. */
  readonly path: string;
  /** SHA-256, 64 hexadecimal digits in lower case. */
  readonly checksum: string;
  /** When it came to be trusted, as ISO 8601. */
  readonly trusted: string;
}

/** The plugins that are trusted as they are, by name. */
export type Lock = ReadonlyMap<string, LockEntry>;

const heading = `# Checksums of the plugins that gatewayd trusts, written by gatewayd.
# \`gatewayd plugin trust NAME\` accepts a plugin that changed.
`;

/**
 * Reads `plugins.lock`; a file that is not there is an empty lock.
 * @throws {GatewayDError} PLUGIN_LOCK_BROKEN or PLUGIN_LOCK_VERSION
 */
export async function readLock(lockFile: string): Promise<Lock> {
  let text: string;
  try {
    text = await readPlainFile(lockFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw broken(lockFile, messageOf(error));
  }
  const own = readOwnLayout(text);
  if (own !== null) return own;
  const { parse } = await import('yaml');
  let content: unknown;
  try {
    content = parse(text, { maxAliasCount: 0, mapAsMap: true });
  } catch (error) {
    throw broken(lockFile, messageOf(error).split('\n')[0] ?? '');
  }
  if (!(content instanceof Map)) throw broken(lockFile, 'it holds no mapping');
  const version: unknown = content.get('version');
  if (version !== 1) {
    if (typeof version !== 'number') throw broken(lockFile, 'it has no `version`');
    throw new GatewayDError(pluginErrors.PLUGIN_LOCK_VERSION, { lockFile, found: version });
  }
  const plugins: unknown = content.get('plugins') ?? new Map();
  if (!(plugins instanceof Map)) throw broken(lockFile, '`plugins` is no mapping');
  return new Map(
    [...plugins].map(([name, entry]: [unknown, unknown]) => [String(name), readEntry(lockFile, name, entry)]),
  );
}

const ownHead = /^(?:#[^\n]*\n)*version: 1\nplugins:\n/;
const ownEntry =
  / {2}([A-Za-z][\w.-]*):\n {4}path: ([\w./-]+)\n {4}checksum: ([0-9a-f]{64})\n {4}trusted: ([\dT:.-]+Z)\n/y;

/**
 * Reads a lock that looks just as `writeLock` writes it, without a parser of all of YAML: for many plugins that takes
 * about as long as importing them. Null for any other lock.
 */
function readOwnLayout(text: string): Lock | null {
  const lock = new Map<string, LockEntry>();
  ownEntry.lastIndex = ownHead.exec(text)?.[0].length ?? text.length;
  while (ownEntry.lastIndex < text.length) {
    const [, name, path, checksum, trusted] = ownEntry.exec(text) ?? [];
    if (name === undefined || path === undefined || checksum === undefined || trusted === undefined) return null;
    if (lock.has(name)) return null;
    lock.set(name, { path, checksum, trusted });
  }
  return lock.size > 0 ? lock : null;
}

function readEntry(lockFile: string, name: unknown, entry: unknown): LockEntry {
  const value = (key: string): string => {
    const text: unknown = entry instanceof Map ? entry.get(key) : undefined;
    if (typeof text === 'string') return text;
    throw broken(lockFile, `plugin ${String(name)} has no \`${key}\``);
  };
  const checksum = value('checksum').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(checksum)) throw broken(lockFile, `the checksum of plugin ${String(name)} is no SHA-256`);
  return { path: value('path'), checksum, trusted: value('trusted') };
}

function broken(lockFile: string, reason: string): GatewayDError {
  return new GatewayDError(pluginErrors.PLUGIN_LOCK_BROKEN, { lockFile, reason });
}

/**
 * Writes `plugins.lock`, names sorted, whole or not at all.
 * @throws {GatewayDError} PLUGIN_LOCK_NOT_WRITTEN
 */
export async function writeLock(lockFile: string, lock: Lock): Promise<void> {
  const { stringify } = await import('yaml');
  const names = [...lock.keys()].sort();
  const plugins = new Map(names.map((name) => [name, lock.get(name)]));
  const text =
    heading +
    stringify(
      new Map<string, unknown>([
        ['version', 1],
        ['plugins', plugins],
      ]),
    );
  const temporary = `${lockFile}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text, { flag: 'wx', flush: true });
    await rename(temporary, lockFile);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    const values = { lockFile, reason: messageOf(error) };
    throw new GatewayDError(pluginErrors.PLUGIN_LOCK_NOT_WRITTEN, values, { cause: error });
  }
}
