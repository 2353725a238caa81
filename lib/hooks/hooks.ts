import { AsyncParallelHook, AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook } from 'tapable';
import type { GlobalConfig } from '../config/schema.ts';
import { runDirectly } from './chain.ts';
import type { TrafficTapOptions } from './large-messages.ts';
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
  readonly trafficFromClient: AsyncSeriesBailHook<[FromClient], Verdict | void, TrafficTapOptions>;
  readonly trafficToServer: AsyncSeriesHook<[Batch], TrafficTapOptions>;
  readonly trafficFromServer: AsyncSeriesBailHook<[FromServer], Verdict | void, TrafficTapOptions>;
  readonly trafficToClient: AsyncSeriesHook<[Batch], TrafficTapOptions>;
  readonly tick: AsyncSeriesHook<[ConnectionsEvent]>;
  readonly signal: AsyncSeriesHook<[{ readonly signal: string }]>;
  readonly shutdown: AsyncSeriesHook<[ConnectionsEvent]>;
  readonly hook: AsyncSeriesHook<[{ readonly name: string; readonly data: unknown }]>;
}

/** Name of a hook of the bus. */
export type HookName = keyof Hooks;

const series = <T>(payload: string, name: HookName): AsyncSeriesHook<[T]> =>
  runDirectly(new AsyncSeriesHook([payload], name));
const bail = <T, R>(payload: string, name: HookName): AsyncSeriesBailHook<[T], R> =>
  runDirectly(new AsyncSeriesBailHook([payload], name));

/** A bus with no taps. One is built for each generation of plugins: tapable has no untap. */
export function createHooks(): Hooks {
  return {
    configLoaded: new AsyncSeriesWaterfallHook(['config'], 'configLoaded'),
    newLogger: series('event', 'newLogger'),
    newPool: series('event', 'newPool'),
    newClient: series('event', 'newClient'),
    newProxy: series('event', 'newProxy'),
    newServer: series('event', 'newServer'),
    run: series('event', 'run'),
    booting: series('event', 'booting'),
    booted: series('event', 'booted'),
    startup: new AsyncParallelHook(['event'], 'startup'),
    opening: bail('opening', 'opening'),
    route: bail('routing', 'route'),
    opened: series('session', 'opened'),
    closing: series('session', 'closing'),
    closed: series('session', 'closed'),
    traffic: series('session', 'traffic'),
    trafficFromClient: bail('batch', 'trafficFromClient'),
    trafficToServer: series('batch', 'trafficToServer'),
    trafficFromServer: bail('batch', 'trafficFromServer'),
    trafficToClient: series('batch', 'trafficToClient'),
    tick: series('event', 'tick'),
    signal: series('event', 'signal'),
    shutdown: series('event', 'shutdown'),
    hook: series('event', 'hook'),
  };
}
