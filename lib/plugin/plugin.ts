import type { Hooks } from '../hooks/hooks.ts';
import type { LoadedPlugin, LoadedPlugins } from '../hooks/loaded-plugin.ts';
import type { Logger } from '../logger.ts';

/** What `apply` may return: called once when the plugin is unloaded or the process stops, in reverse order of `apply`. */
export type Deactivate = () => void | Promise<void>;

/** What `apply` gets: everything live that a plugin may use. */
export interface Host<Config = unknown> {
  /** gatewayd's version. */
  readonly version: string;
  /** This plugin, as others see it. */
  readonly plugin: LoadedPlugin;
  /** The `config` of this plugin's row, checked by the plugin's `configSchema`, deeply frozen. */
  readonly config: Config;
  /** This plugin's view of the hook bus: its taps are named, timed, bounded in time and contained. */
  readonly hooks: Hooks;
  /** A logger that adds `plugin: <name>` to every line. */
  readonly logger: Logger;
  readonly plugins: LoadedPlugins;
  /** Puts an error on record as this plugin's: its own `hooks.error` gets it, with phase `reported`. */
  reportError(error: unknown, context?: { readonly hook?: string }): void;
  /** Calls the bus's `hook` with `{ name, data }`: a message to all plugins. */
  emit(name: string, data: unknown): void;
}

/** What a plugin's module exports as its default. */
export interface Plugin<Config = unknown> {
  /** Optional, and then the same as the file's name without extension, or as the folder's package.json says. */
  readonly name?: string;
  /** Semver. A folder's comes from its package.json. */
  readonly version?: string;
  /** `gatewayd` or another plugin's name to a semver range. Orders `apply`. */
  readonly requires?: Readonly<Record<string, string>>;
  /** Withheld from the usage report. */
  readonly private?: boolean;
  /** JSON Schema of the row's `config`, checked before `apply`; its defaults are filled in. */
  readonly configSchema?: object;
  /** Taps hooks. May be asynchronous; takes at most 5 s, or the plugin is not loaded. */
  apply(host: Host<Config>): void | Deactivate | Promise<void | Deactivate>;
}

/** Gives a plugin its types; returns it unchanged. */
export function definePlugin<Config = unknown>(plugin: Plugin<Config>): Plugin<Config> {
  return plugin;
}
