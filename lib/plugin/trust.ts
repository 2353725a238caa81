import path from 'node:path';
import { GatewayDError } from '../errors.ts';
import { pluginErrors } from './errors.ts';
import { checksumOf } from './examine.ts';
import { locate, notFound } from './locate.ts';
import { readLock, writeLock, type LockEntry } from './lock-file.ts';
import type { PluginOptions } from './options.ts';

/** What came to be trusted. */
export interface TrustedPlugin {
  readonly name: string;
  readonly checksum: string;
  /** What the lock said before; null where it did not know the plugin. */
  readonly previous: string | null;
}

/**
 * Accepts a plugin as it is now: records its checksum in `plugins.lock`. None of its code runs.
 * @throws {GatewayDError} PLUGIN_NOT_FOUND, PLUGIN_TRUST_BUILT_IN, PLUGIN_CHECKSUM_MISMATCH (its row asks for another
 * checksum, and the row is what counts), what keeps the plugin from being read, or what is wrong with the lock
 */
export async function trustPlugin(options: PluginOptions, name: string): Promise<TrustedPlugin> {
  const { plugins, ignored } = await locate(options);
  const found = plugins.find((one) => one.name === name);
  if (found?.error != null) throw found.error;
  if (found?.source == null) throw await notFound(name, { plugins, ignored }, options.directory);
  if (found.source.builtIn) throw new GatewayDError(pluginErrors.PLUGIN_TRUST_BUILT_IN, { plugin: name });
  const checksum = await checksumOf(name, found.source);
  const expected = found.row?.checksum.toLowerCase() ?? '';
  if (expected !== '' && expected !== checksum) {
    throw new GatewayDError(pluginErrors.PLUGIN_CHECKSUM_MISMATCH, { plugin: name, actual: checksum, expected });
  }
  const lock = await readLock(options.lockFile);
  const previous = lock.get(name)?.checksum ?? null;
  if (previous !== checksum) {
    await writeLock(options.lockFile, new Map([...lock, [name, lockEntry(options, found.source.path, checksum)]]));
  }
  return { name, checksum, previous };
}

/** The lock's entry of a plugin that is trusted from now on. */
export function lockEntry(options: PluginOptions, pluginPath: string, checksum: string): LockEntry {
  const relative = path.relative(path.dirname(options.lockFile), pluginPath).split(path.sep).join('/');
  return { path: relative, checksum, trusted: new Date().toISOString() };
}
