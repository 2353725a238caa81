import type { HookName } from './hooks.ts';

/** How a hook goes through its taps; tapable's word without "Hook". */
export type HookKind = 'AsyncSeries' | 'AsyncSeriesBail' | 'AsyncSeriesWaterfall' | 'AsyncParallel';

/** What is to be known of one hook. `docs/hooks.md` is generated from these. */
export interface HookDescription {
  readonly kind: HookKind;
  /** GatewayD's hook, by its number in `plugin.v1.HookName`; null for the hooks GatewayD does not have. */
  readonly upstream: { readonly name: string; readonly number: number } | null;
  /** The type of the payload. */
  readonly payload: string;
  /** When it fires. */
  readonly fires: string;
  /** What a tap may do. */
  readonly may: string;
  /** Whether gatewayd waits for its taps before it goes on. */
  readonly awaited: boolean;
  /** Whether the payload expires when the tap that got it settles: each tap then gets a handle of its own, see scope.ts. */
  readonly expires: boolean;
}

const upstream = (number: number, name: string) => ({ number, name });
const observed = { kind: 'AsyncSeries', may: 'observe', awaited: true, expires: false } as const;

/** Every hook of the bus, in the order of a process's life. */
export const hookCatalogue: Readonly<Record<HookName, HookDescription>> = {
  configLoaded: {
    kind: 'AsyncSeriesWaterfall',
    upstream: upstream(1, 'OnConfigLoaded'),
    payload: 'GlobalConfig',
    fires: 'once at start and at each reload, before anything is built from the configuration',
    may: 'return a changed configuration, which is checked again; undefined keeps it',
    awaited: true,
    expires: false,
  },
  newLogger: {
    ...observed,
    upstream: upstream(2, 'OnNewLogger'),
    payload: 'Built',
    fires: 'for each logger that was built',
  },
  newPool: {
    ...observed,
    upstream: upstream(3, 'OnNewPool'),
    payload: 'Built',
    fires: 'for each pool that was built',
  },
  newClient: {
    ...observed,
    upstream: upstream(4, 'OnNewClient'),
    payload: 'Built',
    fires: 'for each row of `clients` that was built',
  },
  newProxy: {
    ...observed,
    upstream: upstream(5, 'OnNewProxy'),
    payload: 'Built',
    fires: 'for each proxy that was built',
  },
  newServer: {
    ...observed,
    upstream: upstream(6, 'OnNewServer'),
    payload: 'Built',
    fires: 'for each server that was built',
  },
  run: {
    ...observed,
    upstream: upstream(8, 'OnRun'),
    payload: 'ServerEvent',
    fires: 'for each server, when it is about to be started',
  },
  booting: {
    ...observed,
    upstream: upstream(9, 'OnBooting'),
    payload: 'ServerEvent',
    fires: 'for each server, right before it listens',
  },
  booted: {
    ...observed,
    upstream: upstream(10, 'OnBooted'),
    payload: 'ServerEvent',
    fires: 'for each server, when it listens',
  },
  startup: {
    kind: 'AsyncParallel',
    upstream: null,
    payload: 'StartupEvent',
    fires: 'once a process, when every server listens',
    may: 'observe',
    awaited: false,
    expires: false,
  },
  opening: {
    kind: 'AsyncSeriesBail',
    upstream: upstream(11, 'OnOpening'),
    payload: 'Opening',
    fires: "when a client's start-up packet is read; nothing is connected yet, and its user is claimed, not proven",
    may: 'refuse the client: return `opening.refuse(sqlstate, message)`',
    awaited: true,
    expires: false,
  },
  route: {
    kind: 'AsyncSeriesBail',
    upstream: null,
    payload: 'Routing',
    fires: 'when a session needs a backend',
    may: 'return the backend of the session, or wait for it',
    awaited: true,
    expires: false,
  },
  opened: {
    ...observed,
    upstream: upstream(12, 'OnOpened'),
    payload: 'Session',
    fires: 'when a session is ready for queries',
  },
  closing: {
    ...observed,
    upstream: upstream(13, 'OnClosing'),
    payload: 'Session',
    fires: 'when a session is about to end',
  },
  closed: {
    ...observed,
    upstream: upstream(14, 'OnClosed'),
    payload: 'Session',
    fires: 'when a session has ended: one for each `opening`',
  },
  traffic: {
    ...observed,
    upstream: upstream(15, 'OnTraffic'),
    payload: 'Session',
    fires: 'for each batch of a client, before `trafficFromClient`',
  },
  trafficFromClient: {
    kind: 'AsyncSeriesBail',
    upstream: upstream(16, 'OnTrafficFromClient'),
    payload: 'FromClient',
    fires: 'for each batch of a client, before the database sees it',
    may: 'change the messages and return nothing, so that later taps see the change; or return what `reply()`, `refuse()` or `terminate()` gives, which ends the chain',
    awaited: true,
    expires: true,
  },
  trafficToServer: {
    ...observed,
    upstream: upstream(17, 'OnTrafficToServer'),
    payload: 'Batch',
    fires: 'for each batch that was sent to the database',
    may: 'observe what was sent',
    awaited: false,
    expires: true,
  },
  trafficFromServer: {
    kind: 'AsyncSeriesBail',
    upstream: upstream(18, 'OnTrafficFromServer'),
    payload: 'FromServer',
    fires: 'for each batch of the database, before the client sees it',
    may: 'change the messages, row by row, and return nothing; or return what `terminate()` gives, which ends the session',
    awaited: true,
    expires: true,
  },
  trafficToClient: {
    ...observed,
    upstream: upstream(19, 'OnTrafficToClient'),
    payload: 'Batch',
    fires: 'for each batch that was sent to the client',
    may: 'observe what was sent',
    awaited: false,
    expires: true,
  },
  tick: {
    ...observed,
    awaited: false,
    upstream: upstream(21, 'OnTick'),
    payload: 'ConnectionsEvent',
    fires: 'every `tickInterval` of a server with `enableTicker`',
  },
  signal: {
    ...observed,
    upstream: upstream(7, 'OnSignal'),
    payload: '{ signal }',
    fires: 'when the process gets a signal to stop or to reload',
  },
  shutdown: {
    ...observed,
    upstream: upstream(20, 'OnShutdown'),
    payload: 'ConnectionsEvent',
    fires: 'when the sessions are drained, before the plugins are deactivated',
  },
  hook: {
    ...observed,
    upstream: upstream(22, 'OnHook'),
    payload: '{ name, data }',
    fires:
      "when a plugin calls `host.emit(name, data)`; gatewayd itself sends `gatewayd.error` for an error that is no plugin's",
  },
};
