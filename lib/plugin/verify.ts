import type { PluginRow } from '../config/schema.ts';
import { GatewayDError } from '../errors.ts';
import type { Trust } from '../hooks/loaded-plugin.ts';
import { pluginErrors } from './errors.ts';
import type { Lock } from './lock-file.ts';
import type { PluginOptions } from './options.ts';

/** What a plugin's trust is decided from. */
export interface Evidence {
  readonly name: string;
  readonly checksum: string;
  readonly builtIn: boolean;
  readonly row: PluginRow | undefined;
}

/** Whether anything is verified at all. */
export function verifies(options: PluginOptions): boolean {
  return options.verify !== 'off' && !options.devMode;
}

/**
 * Decides whether a plugin may run. A checksum in its row must match, whatever the lock says; without one, the lock
 * must know the plugin as it is, or not at all.
 * @param lock an error where the lock could not be read: then nothing that needs it is trusted
 * @throws {GatewayDError} PLUGIN_CHECKSUM_MISMATCH, PLUGIN_NOT_PINNED, PLUGIN_CHANGED or what is wrong with the lock
 */
export function verify(evidence: Evidence, lock: Lock | GatewayDError, options: PluginOptions): Trust {
  const { name: plugin, checksum: actual, builtIn, row } = evidence;
  if (builtIn) return 'built-in';
  if (!verifies(options)) return 'unverified';
  const expected = row?.checksum.toLowerCase() ?? '';
  if (expected !== '') {
    if (expected === actual) return 'pinned';
    throw new GatewayDError(pluginErrors.PLUGIN_CHECKSUM_MISMATCH, { plugin, actual, expected });
  }
  if (options.verify === 'pin') throw new GatewayDError(pluginErrors.PLUGIN_NOT_PINNED, { plugin, actual });
  if (lock instanceof GatewayDError) throw lock;
  const locked = lock.get(plugin);
  if (locked === undefined) return 'first-use';
  if (locked.checksum === actual) return 'locked';
  const values = { plugin, actual, expected: locked.checksum, lockFile: options.lockFile };
  throw new GatewayDError(pluginErrors.PLUGIN_CHANGED, values);
}
