import type { SyncHook } from 'tapable';
import type { HookName } from './hooks.ts';
import type { MessageChange } from './message-change.ts';
import type { HookStatistics } from './statistics.ts';

/** How gatewayd came to trust a plugin's bytes. */
export type Trust = 'pinned' | 'locked' | 'first-use' | 'unverified' | 'built-in';

/** Where in a plugin's life it failed. */
export type FailurePhase = 'load' | 'apply' | 'hook' | 'deactivate' | 'async' | 'crash' | 'health' | 'reported';

/** One failure of one plugin, as its `hooks.error` gets it. */
export interface PluginFailure {
  /** What was thrown or rejected: anything at all. */
  readonly error: unknown;
  readonly plugin: string;
  readonly version: string;
  /** The hook whose tap failed; null where no hook was involved. */
  readonly hook: string | null;
  readonly phase: FailurePhase;
  /** The generation of plugins that failed: 1 for the first of a process. */
  readonly generation: number;
  /** Failures in the same place since the last one that `hooks.error` was told of: they were too many. */
  readonly suppressed: number;
}

/** A plugin as others see it: in the `startup` event, through `host.plugins`, in the usage report. */
export interface LoadedPlugin {
  readonly name: string;
  readonly version: string;
  /** SHA-256 as 64 hexadecimal digits, known before any of the plugin's code ran. */
  readonly checksum: string;
  /** The real path of its file or folder: how a stack frame is told to be the plugin's. Never leaves the process. */
  readonly path: string;
  readonly trust: Trust;
  /** True for a plugin whose manifest says so: its name stays out of the usage report. */
  readonly private: boolean;
  /** Who gets its errors, by its row. */
  readonly errorReports: {
    /** Whoever runs gatewayd and the plugin's author, the author alone, or nobody. */
    readonly to: 'all' | 'author' | 'none';
    /** The author's Sentry project; empty for none. */
    readonly sentryDsn: string;
  };
  /** The generation of plugins that it belongs to: 1 for the first of a process. */
  readonly generation: number;
  /** What its taps did so far, by hook, for the hooks that were called. */
  readonly statistics: ReadonlyMap<HookName, HookStatistics>;
  /** The last 64 changes it made to what passed through it, the oldest first. */
  readonly changes: readonly MessageChange[];
  readonly hooks: {
    /** Called with each failure of this plugin, but for those that come by the dozen: see `suppressed`. Keeps the last 32 and replays them to a new tap. A failure inside a tap of this hook is only logged. */
    readonly error: SyncHook<[PluginFailure]>;
  };
}

/** All plugins of the process. */
export interface LoadedPlugins extends Iterable<LoadedPlugin> {
  get(name: string): LoadedPlugin | undefined;
  /** Visits every plugin loaded now and every one loaded later, failed ones included: their failures can be tapped. */
  each(visit: (plugin: LoadedPlugin) => void): void;
}
