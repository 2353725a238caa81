import type { HookName } from '../hooks/hooks.ts';
import type { FailurePhase, LoadedPlugin } from '../hooks/loaded-plugin.ts';
import type { Address, Session } from '../hooks/payloads.ts';
import type { WireError } from '../hooks/verdict.ts';
import type { Crossed } from './crossed.ts';

/**
 * What gatewayd and the part of it that runs beside the plugin, the guest, say to each other: lists of messages, each a
 * tuple that starts with its name, with one block of bytes for all of them. Payloads' bytes are ranges of that block.
 */
export interface Packet<M> {
  readonly messages: readonly M[];
  readonly bytes: ArrayBuffer;
}

/** A session as it crosses, once for each guest. Later messages go by its number. */
export type SessionRecord = { readonly [K in keyof Session]: Session[K] };

/** A plugin as others see it, without its hooks. */
export interface PluginRecord extends Omit<LoadedPlugin, 'hooks'> {
  readonly loaded: boolean;
}

/** What a guest is started with. */
export interface Beginning {
  readonly plugin: string;
  readonly path: string;
  readonly entryPoint: string;
  readonly version: string | null;
  readonly needsModuleHooks: boolean;
  /** Time limit of the import in milliseconds. */
  readonly importTimeout: number;
  readonly logLevel: string;
}

/** What `apply` is called with. */
export interface ApplyRecord {
  readonly version: string;
  readonly config: unknown;
  readonly plugins: readonly PluginRecord[];
  readonly usedHooks: readonly HookName[];
}

export interface FailureRecord {
  readonly error: Crossed;
  readonly plugin: string;
  readonly version: string;
  readonly hook: string | null;
  readonly phase: FailurePhase;
  readonly generation: number;
  readonly suppressed: number;
}

/** What a module says of its plugin. */
export interface ModuleRecord {
  readonly version: string;
  readonly requires: ReadonlyMap<string, string>;
  readonly private: boolean;
  readonly permissions: unknown;
}

/** Where in a batch a RowDescription begins to hold, and its bytes. */
export type ShapeRecord = readonly [start: number, description: Uint8Array | null];

/** The number of a batch's session, its range of the packet's bytes, and what its rows look like. */
export type BatchData = readonly [
  session: number,
  start: number,
  length: number,
  shapes: readonly ShapeRecord[] | null,
];

/** What `calls` has of each call: its number, the tap's, and the batch without its shapes, of which it has none. */
export const numbersOfCall = 5;

export type ToGuest =
  | readonly [op: 'begin', beginning: Beginning]
  | readonly [op: 'apply', apply: ApplyRecord]
  | readonly [op: 'call', id: number, tap: number, data: unknown]
  /** Calls with batches without shapes, one after the other: `numbersOfCall` each. */
  | readonly [op: 'calls', numbers: Float64Array]
  /** The call's time is over: its payload expires, and nobody waits for its answer. */
  | readonly [op: 'expire', id: number]
  | readonly [op: 'abort', id: number, reason: Crossed]
  | readonly [op: 'session', number: number, session: SessionRecord]
  | readonly [op: 'server', number: number, server: Address | null]
  | readonly [op: 'forget', number: number]
  | readonly [op: 'plugin', plugin: PluginRecord]
  | readonly [op: 'failure', failure: FailureRecord]
  | readonly [op: 'deactivate']
  | readonly [op: 'ping', number: number];

/** What a batch became: ranges of its messages that stay, and ranges of the block of bytes that hold new messages. */
export type EditRecord = readonly ['keep' | 'new', start: number, end: number];

export type OutcomeRecord =
  | {
      readonly kind: 'reply';
      readonly columns: readonly string[];
      readonly rows: readonly (readonly unknown[])[];
      readonly command?: string;
    }
  | { readonly kind: 'refuse' | 'terminate'; readonly error: WireError };

export type ToHost =
  | readonly [op: 'ready']
  | readonly [op: 'loaded', module: ModuleRecord]
  | readonly [op: 'notLoaded', error: Crossed]
  | readonly [op: 'tap', tap: number, hook: HookName, name: string, stage: number | null, before: readonly string[]]
  | readonly [op: 'applied']
  | readonly [op: 'notApplied', error: Crossed]
  | readonly [op: 'answer', id: number, result: unknown]
  /** Answers, one after the other, of taps that changed nothing and returned nothing. */
  | readonly [op: 'answers', ids: Float64Array]
  | readonly [op: 'failed', id: number, error: Crossed]
  | readonly [op: 'late', hook: HookName | null, error: Crossed]
  | readonly [op: 'report', error: Crossed, hook: string | null, phase: 'reported' | 'async']
  | readonly [op: 'emit', name: string, data: Crossed]
  | readonly [op: 'watch', plugin: string]
  | readonly [op: 'notice', id: number, message: string]
  | readonly [op: 'log', lines: readonly string[], leftOut: number]
  | readonly [op: 'deactivated', error: Crossed | null]
  | readonly [op: 'pong', number: number]
  /** The last there is from a guest that leaves by itself. */
  | readonly [op: 'exiting', code: number];
