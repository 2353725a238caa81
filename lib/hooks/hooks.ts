import { AsyncParallelHook, AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook } from 'tapable';
import type { GlobalConfig } from '../config/schema.ts';
import type {
  BackendAddress,
  Batch,
  FromClient,
  FromServer,
  Opening,
  Routing,
  Session,
  StartupEvent,
} from './payloads.ts';
import type { Refusal, Verdict } from './verdict.ts';

/** Payload of `newLogger`, `newPool`, `newClient`, `newProxy` and `newServer`: what was built, by name, and the config it was built from. */
export interface Built {
  /** The group, or `group.block` where the section has blocks. */
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Payload of `run`, `booting` and `booted`: one server. */
export interface ServerEvent {
  readonly name: string;
  /** The address it is to listen on; for `booted` the one it listens on. */
  readonly address: string;
}

/** Payload of `shutdown` and `tick`. */
export interface ConnectionsEvent {
  /** Sessions open now. */
  readonly connections: number;
}

/** The hook bus: one property a hook. What each fires on, and what a tap may do, is in docs/hooks.md. */
export interface Hooks {
  readonly configLoaded: AsyncSeriesWaterfallHook<[GlobalConfig]>;
  readonly newLogger: AsyncSeriesHook<[Built]>;
  readonly newPool: AsyncSeriesHook<[Built]>;
  readonly newClient: AsyncSeriesHook<[Built]>;
  readonly newProxy: AsyncSeriesHook<[Built]>;
  readonly newServer: AsyncSeriesHook<[Built]>;
  readonly run: AsyncSeriesHook<[ServerEvent]>;
  readonly booting: AsyncSeriesHook<[ServerEvent]>;
  readonly booted: AsyncSeriesHook<[ServerEvent]>;
  readonly startup: AsyncParallelHook<[StartupEvent]>;
  readonly opening: AsyncSeriesBailHook<[Opening], Refusal | void>;
  readonly route: AsyncSeriesBailHook<[Routing], BackendAddress | void>;
  readonly opened: AsyncSeriesHook<[Session]>;
  readonly closing: AsyncSeriesHook<[Session]>;
  readonly closed: AsyncSeriesHook<[Session]>;
  readonly traffic: AsyncSeriesHook<[Session]>;
  readonly trafficFromClient: AsyncSeriesBailHook<[FromClient], Verdict | void>;
  readonly trafficToServer: AsyncSeriesHook<[Batch]>;
  readonly trafficFromServer: AsyncSeriesBailHook<[FromServer], Verdict | void>;
  readonly trafficToClient: AsyncSeriesHook<[Batch]>;
  readonly tick: AsyncSeriesHook<[ConnectionsEvent]>;
  readonly signal: AsyncSeriesHook<[{ readonly signal: string }]>;
  readonly shutdown: AsyncSeriesHook<[ConnectionsEvent]>;
  readonly hook: AsyncSeriesHook<[{ readonly name: string; readonly data: unknown }]>;
}

/** Name of a hook of the bus. */
export type HookName = keyof Hooks;

/** A bus with no taps. One is built for each generation of plugins: tapable has no untap. */
export function createHooks(): Hooks {
  return {
    configLoaded: new AsyncSeriesWaterfallHook(['config'], 'configLoaded'),
    newLogger: new AsyncSeriesHook(['event'], 'newLogger'),
    newPool: new AsyncSeriesHook(['event'], 'newPool'),
    newClient: new AsyncSeriesHook(['event'], 'newClient'),
    newProxy: new AsyncSeriesHook(['event'], 'newProxy'),
    newServer: new AsyncSeriesHook(['event'], 'newServer'),
    run: new AsyncSeriesHook(['event'], 'run'),
    booting: new AsyncSeriesHook(['event'], 'booting'),
    booted: new AsyncSeriesHook(['event'], 'booted'),
    startup: new AsyncParallelHook(['event'], 'startup'),
    opening: new AsyncSeriesBailHook(['opening'], 'opening'),
    route: new AsyncSeriesBailHook(['routing'], 'route'),
    opened: new AsyncSeriesHook(['session'], 'opened'),
    closing: new AsyncSeriesHook(['session'], 'closing'),
    closed: new AsyncSeriesHook(['session'], 'closed'),
    traffic: new AsyncSeriesHook(['session'], 'traffic'),
    trafficFromClient: new AsyncSeriesBailHook(['batch'], 'trafficFromClient'),
    trafficToServer: new AsyncSeriesHook(['batch'], 'trafficToServer'),
    trafficFromServer: new AsyncSeriesBailHook(['batch'], 'trafficFromServer'),
    trafficToClient: new AsyncSeriesHook(['batch'], 'trafficToClient'),
    tick: new AsyncSeriesHook(['event'], 'tick'),
    signal: new AsyncSeriesHook(['event'], 'signal'),
    shutdown: new AsyncSeriesHook(['event'], 'shutdown'),
    hook: new AsyncSeriesHook(['event'], 'hook'),
  };
}
