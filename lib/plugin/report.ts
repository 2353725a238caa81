import type { PluginRow } from '../config/schema.ts';
import type { GatewayDError } from '../errors.ts';
import type { Trust } from '../hooks/loaded-plugin.ts';

/**
 * How far a plugin came: `found` (nothing is against loading it; none of its code ran), `loaded`, `failed` (see its
 * `error`), `disabled` (by its row or, for a built-in one, by the settings of what it does), `unloaded` (at stop).
 */
export type PluginState = 'found' | 'loaded' | 'failed' | 'disabled' | 'unloaded';

/** What there is to say about one plugin: a row of the start-up table and of `plugin list`. */
export interface PluginReport {
  readonly name: string;
  /** Null while it is not known: a single file's is known after its import. */
  readonly version: string | null;
  /** Null for a row of the config that no plugin was found for. */
  readonly path: string | null;
  /** Null for a disabled plugin and for one that could not be read. */
  readonly checksum: string | null;
  /** Null for a plugin that is not trusted, and for one nobody asked about. */
  readonly trust: Trust | null;
  readonly state: PluginState;
  /** Where it runs, or would. */
  readonly isolation: PluginRow['isolation'];
  /** Import and `apply` together; null for a plugin of which no code ran. */
  readonly milliseconds: number | null;
  /** Why it failed: its code, its message and what to do. */
  readonly error?: GatewayDError;
}
