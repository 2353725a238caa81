import type { PluginHostConfig, PluginRow } from '../config/schema.ts';
import type { Logger } from '../logger.ts';
import type { Runner } from './loader.ts';
import type { ManagedPlugin } from './managed-plugin.ts';
import type { CompiledSchemas, ConfigCheck } from './plugin-config.ts';

/** Where plugins are and how they come to be trusted. */
export interface PluginOptions {
  /** gatewayd's version, which plugins' requirements are checked against. */
  readonly version: string;
  readonly logger: Logger;
  /** The plugins folder, as an absolute path. */
  readonly directory: string;
  /** Whether the config names the folder itself: only then is its absence worth a warning. */
  readonly directoryGiven: boolean;
  /** The folder the built-in plugins ship in. */
  readonly builtInDirectory: string;
  /** The built-in plugins to load; the others are reported as disabled. */
  readonly builtIns: readonly string[];
  /** Path of `plugins.lock`. */
  readonly lockFile: string;
  readonly verify: PluginHostConfig['verify'];
  /** Verifies nothing, whatever `verify` says. */
  readonly devMode: boolean;
  /** The rows of `plugins` in the config, in their order. */
  readonly rows: readonly PluginRow[];
  /** JSON Schemas of the `config` of plugins known beforehand, by name: so that it can be checked before they are loaded. */
  readonly configSchemas?: Readonly<Record<string, object>>;
  readonly compiledSchemas?: CompiledSchemas;
  /** What is wrong with a plugin's config in words, with the place where it was written. */
  readonly describeConfigFault?: ConfigCheck['describe'];
}

type BreakerConfig = PluginHostConfig['breaker'];

/** What a plugin host is made from. */
export interface PluginHostOptions extends PluginOptions {
  /** Time limit of an asynchronous tap, in milliseconds. */
  readonly timeout: number;
  /** When taps that fail are left alone; as the config's defaults have it where it is left out. */
  readonly breaker?: BreakerConfig;
  /** After how many milliseconds a plugin that holds the whole process is named; 0, or left out: never. */
  readonly hangTimeout?: number;
  /** Which generation of plugins of this process it is; 1 where it is left out. */
  readonly generation?: number;
  /** Time limit of an import, of `apply` and of deactivating, each, in milliseconds; 5,000 where it is left out. */
  readonly applyTimeout?: number;
  /** Told, once, of a plugin whose row says `demote: true` that it had better run in a thread of its own, and why. */
  readonly misbehaves?: (plugin: ManagedPlugin, reason: string) => void;
  /** Places for plugins to run that are not this process, by what a row calls them; undefined for one that there is not. */
  readonly runners?: (isolation: PluginRow['isolation']) => Promise<Runner | undefined>;
}
