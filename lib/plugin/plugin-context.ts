import type { Hooks } from '../hooks/hooks.ts';
import type { LoadedPlugin, LoadedPlugins } from '../hooks/loaded-plugin.ts';
import type { Logger } from '../logger.ts';
import type { Host } from './plugin.ts';

/** What the host of a plugin is made from. */
export interface PluginContextParts {
  readonly version: string;
  readonly plugin: LoadedPlugin;
  readonly plugins: LoadedPlugins;
  readonly config: unknown;
  readonly hooks: () => Hooks;
  readonly logger: () => Logger;
  readonly reportError: Host['reportError'];
  readonly emit: Host['emit'];
}

/** What a plugin's `apply` gets. Its view of the hooks and its logger are made when they are first asked for. */
export class PluginContext implements Host {
  readonly version: string;
  readonly plugin: LoadedPlugin;
  readonly plugins: LoadedPlugins;
  readonly config: unknown;
  readonly reportError: Host['reportError'];
  readonly emit: Host['emit'];
  readonly #parts: PluginContextParts;
  #hooks: Hooks | undefined;
  #logger: Logger | undefined;

  constructor(parts: PluginContextParts) {
    this.#parts = parts;
    this.version = parts.version;
    this.plugin = parts.plugin;
    this.plugins = parts.plugins;
    this.config = parts.config;
    this.reportError = parts.reportError;
    this.emit = parts.emit;
    Object.freeze(this);
  }

  get hooks(): Hooks {
    return (this.#hooks ??= this.#parts.hooks());
  }

  get logger(): Logger {
    return (this.#logger ??= this.#parts.logger());
  }
}
