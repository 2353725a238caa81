import type { ManagedPlugin } from './managed-plugin.ts';
import { readLock, writeLock } from './lock-file.ts';
import type { PluginOptions } from './options.ts';
import { lockEntry } from './trust.ts';

/**
 * Records in `plugins.lock` the plugins that are loaded and that it did not know.
 * @throws {GatewayDError} what is wrong with the lock, or PLUGIN_LOCK_NOT_WRITTEN
 */
export async function recordFirstUse(plugins: readonly ManagedPlugin[], options: PluginOptions): Promise<void> {
  const fresh = plugins.flatMap(({ state, name, examined }) =>
    state === 'loaded' && examined.state === 'found' && examined.trust === 'first-use'
      ? [[name, lockEntry(options, examined.path, examined.checksum)] as const]
      : [],
  );
  if (fresh.length === 0) return;
  await writeLock(options.lockFile, new Map([...(await readLock(options.lockFile)), ...fresh]));
}
