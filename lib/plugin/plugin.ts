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

/** What a plugin may do beside tapping hooks. Node enforces it for a plugin in a process of its own. */
export interface Permissions {
  /** Files it may read beside its own, or also write: `none` where it is left out. */
  readonly fs?: 'none' | 'read' | 'write';
  /** Open connections, and listen. Enforced by Node 25 and later. */
  readonly net?: boolean;
  /** Start processes. */
  readonly child?: boolean;
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
  /**
   * What the plugin needs beyond gatewayd's own means: one whose row grants less is refused. In a folder
   * `gatewayd.permissions` in package.json says it before any code runs.
   */
  readonly permissions?: Permissions;
  /** JSON Schema of the row's `config`, checked before `apply`; its defaults are filled in. */
  readonly configSchema?: object;
  /** Taps hooks. May be asynchronous; takes at most 5 s, or the plugin is not loaded. */
  apply(host: Host<Config>): void | Deactivate | Promise<void | Deactivate>;
}

/** Gives a plugin its types; returns it unchanged. */
export function definePlugin<Config = unknown>(plugin: Plugin<Config>): Plugin<Config> {
  return plugin;
}
