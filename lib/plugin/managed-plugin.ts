import type { GatewayDError } from '../errors.ts';
import type { HookName, Hooks } from '../hooks/hooks.ts';
import type { LoadedPlugin } from '../hooks/loaded-plugin.ts';
import type { HookStatistics } from '../hooks/statistics.ts';
import { statisticsOf } from '../hooks/view.ts';
import type { ViewOwner } from '../hooks/view-owner.ts';
import { ChangeLog } from './change-log.ts';
import { isolationOf, type Examined } from './examine.ts';
import type { FailureLog } from './failure-log.ts';
import type { FailureThrottle } from './failure-throttle.ts';
import type { LoggerFamily } from './logger-family.ts';
import { unversioned } from './manifest.ts';
import type { Misbehaviour } from './misbehaviour.ts';
import type { ModuleTag } from './module-tag.ts';
import type { Deactivate } from './plugin.ts';
import type { PluginModule } from './plugin-module.ts';
import type { PluginReport, PluginState } from './report.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** States a plugin goes through, each with those it may go to. */
const transitions: Readonly<Record<PluginState, readonly PluginState[]>> = {
  found: ['loaded', 'failed'],
  loaded: ['unloaded'],
  failed: [],
  disabled: [],
  unloaded: [],
};

/** What a managed plugin is made from beside what was found. */
export interface ManagedPluginParts {
  readonly rank: number;
  readonly generation: number;
  readonly failures: FailureLog;
  readonly throttle: FailureThrottle;
}

/** All that the host knows of one plugin; plugins see `face` of it. */
export class ManagedPlugin {
  readonly name: string;
  readonly examined: Examined;
  /** The place of its row in the config; Infinity without a row. */
  readonly rank: number;
  readonly generation: number;
  readonly failures: FailureLog;
  readonly throttle: FailureThrottle;
  readonly changes = new ChangeLog();
  readonly face: LoadedPlugin;
  /** Which import of its module it is. */
  tag: ModuleTag = '';
  /** Known once it was imported. */
  module: PluginModule | null = null;
  deactivate: Deactivate | null = null;
  /** Import and `apply` together. */
  milliseconds: number | null = null;
  /** Whether it is applied after all others, as built-in ones are that nothing depends on. */
  late = false;
  /** Whose its taps are, and its view of the hooks; null until that is made. */
  owner: Mutable<ViewOwner> | null = null;
  view: Hooks | null = null;
  /** Null until the plugin asks for it. */
  loggers: LoggerFamily | null = null;
  /** For one that is to be moved when it misbehaves. */
  misbehaviour: Misbehaviour | null = null;
  /** Told when it has gone to another state. */
  onTransition: (() => void) | null = null;
  #state: PluginState;
  #error: GatewayDError | null;

  constructor(examined: Examined, { rank, generation, failures, throttle }: ManagedPluginParts) {
    this.name = examined.name;
    this.examined = examined;
    this.rank = rank;
    this.generation = generation;
    this.failures = failures;
    this.throttle = throttle;
    this.face = faceOf(this);
    this.#state = examined.state;
    this.#error = examined.error;
  }

  get version(): string {
    return this.module?.version ?? this.examined.manifest?.version ?? unversioned;
  }

  get requires(): ReadonlyMap<string, string> {
    return this.module?.requires ?? new Map<string, string>();
  }

  /** Whether it comes with gatewayd. */
  get builtIn(): boolean {
    return this.examined.source?.builtIn === true;
  }

  get state(): PluginState {
    return this.#state;
  }

  get error(): GatewayDError | null {
    return this.#error;
  }

  /** Whether its code may still be called: it is loaded, or about to be. */
  get alive(): boolean {
    return this.#state === 'found' || this.#state === 'loaded';
  }

  transition(to: PluginState): void {
    if (!transitions[this.#state].includes(to)) {
      throw new TypeError(`Plugin ${this.name} cannot go from ${this.#state} to ${to}`);
    }
    this.#state = to;
    if (this.owner !== null) this.owner.active = to === 'loaded';
    this.onTransition?.();
  }

  /** Ends the attempt to load it. */
  fail(error: GatewayDError): void {
    this.transition('failed');
    this.#error = error;
  }

  report(): PluginReport {
    const { name, examined, milliseconds, state } = this;
    const isKnown = this.module !== null || examined.manifest?.version != null;
    return {
      name,
      version: isKnown ? this.version : null,
      path: examined.path,
      checksum: examined.checksum,
      trust: examined.state === 'found' ? examined.trust : null,
      state,
      isolation: isolationOf(examined),
      milliseconds,
      ...(this.error === null ? {} : { error: this.error }),
    };
  }
}

function faceOf(plugin: ManagedPlugin): LoadedPlugin {
  const { name, examined } = plugin;
  return Object.freeze({
    name,
    get version() {
      return plugin.version;
    },
    checksum: examined.checksum ?? '',
    path: examined.path ?? '',
    trust: examined.state === 'found' ? examined.trust : 'unverified',
    get private() {
      return (plugin.module?.private ?? false) || (plugin.examined.manifest?.private ?? false);
    },
    generation: plugin.generation,
    get statistics() {
      return plugin.view === null ? new Map<HookName, HookStatistics>() : statisticsOf(plugin.view);
    },
    get changes() {
      return plugin.changes.read();
    },
    errorReports: Object.freeze({ to: examined.row?.errorReports ?? 'all', sentryDsn: examined.row?.sentryDsn ?? '' }),
    hooks: Object.freeze({ error: plugin.failures.hook }),
  });
}
