import type { HookName } from '../../hooks/hooks.ts';
import type { BackendAddress, Session } from '../../hooks/payloads.ts';
import { closeScope, openScope, retainScope, type ScopedHandle } from '../../hooks/scope.ts';
import { makeRefusal, Refusal, Verdict } from '../../hooks/verdict.ts';
import { messageEnd, messageSource, messageStart } from '../../protocol/protocol-message.ts';
import { ClientBatch } from '../../traffic/client-batch.ts';
import { RowShape } from '../../traffic/row-shape.ts';
import { SentBatch } from '../../traffic/sent-batch.ts';
import { ServerBatch } from '../../traffic/server-batch.ts';
import { TrafficBatch } from '../../traffic/traffic-batch.ts';
import { cross, uncross } from '../crossed.ts';
import type { BatchData, EditRecord } from '../wire.ts';

/** A payload in the guest, made from what crossed. */
export interface GuestPayload {
  /** What the tap gets. */
  readonly value: unknown;
  /** What goes back: undefined where nothing was changed and nothing returned. To be asked for once. */
  answer(result: unknown): unknown;
  /** The tap has settled, or its time is over. */
  close(failed: boolean): void;
  abort?(reason: unknown): void;
}

/** What a payload is made with. */
export interface PayloadParts {
  /** The block of bytes of the packet. */
  readonly bytes: ArrayBuffer;
  readonly session: (number: number) => Session;
  readonly plugin: (name: string) => unknown;
  readonly notice: (message: string) => void;
  /** Puts bytes into the packet that answers; gives where they begin. */
  readonly send: (pieces: readonly Buffer[]) => number;
}

type Make = (data: never, parts: PayloadParts) => GuestPayload;

const nothing = (): void => {};
const observed = (value: unknown): GuestPayload => ({ value, answer: () => undefined, close: nothing });

const ofSession: Make = (number: number, parts) => observed(parts.session(number));
const plain: Make = (data: unknown) => observed(data);

/** How each hook's payload is made; those that are not named here are plain data. */
const makers: { readonly [H in HookName]?: Make } = {
  configLoaded: (config: unknown) => ({
    value: config,
    answer: (result) => (result === undefined ? undefined : cross(result)),
    close: nothing,
  }),
  startup: (event: { readonly plugins: readonly string[] }, parts) =>
    observed(Object.freeze({ ...event, plugins: event.plugins.map((name) => parts.plugin(name)) })),
  hook: ({ name, data }: { readonly name: string; readonly data: unknown }) =>
    observed(Object.freeze({ name, data: uncross(data) })),
  opening: (number: number, parts) => ({
    value: {
      session: parts.session(number),
      refuse: (sqlstate: string, message: string, detail?: string) =>
        makeRefusal({ sqlstate, message, ...(detail === undefined ? {} : { detail }) }),
    },
    answer: (result) => (Refusal.is(result) ? result.error : undefined),
    close: nothing,
  }),
  route: ([number, candidates]: readonly [number, readonly BackendAddress[]], parts) => {
    const abort = new AbortController();
    return {
      value: {
        session: parts.session(number),
        candidates,
        notice: (message: unknown) => parts.notice(String(message)),
        signal: abort.signal,
      },
      answer: chosen,
      close: nothing,
      abort: (reason) => abort.abort(reason),
    };
  },
  opened: ofSession,
  closing: ofSession,
  closed: ofSession,
  traffic: ofSession,
  trafficFromClient: (data: BatchData, parts) => {
    const batch = new ClientBatch(parts.session(data[0]), [bytesOf(data, parts)], true);
    return inHands(batch, batch, parts);
  },
  trafficFromServer: (data: BatchData, parts) => {
    const shapes = (data[3] ?? []).map(([start, description]) => ({
      buffer: 0,
      start,
      shape: description === null ? null : new RowShape(Buffer.from(description)),
    }));
    const batch = new ServerBatch(parts.session(data[0]), [bytesOf(data, parts)], shapes, true);
    return inHands(batch, batch, parts);
  },
  trafficToServer: (data: BatchData, parts) => {
    const batch = new TrafficBatch(parts.session(data[0]), 'frontend', [bytesOf(data, parts)], true);
    return inHands(batch, new SentBatch(batch), parts);
  },
  trafficToClient: (data: BatchData, parts) => {
    const batch = new TrafficBatch(parts.session(data[0]), 'backend', [bytesOf(data, parts)], true);
    return inHands(batch, new SentBatch(batch), parts);
  },
};

/** As `route` was tapped for: what else the object holds does not matter. */
function chosen(result: unknown): BackendAddress | undefined {
  if (result === undefined) return undefined;
  const { name, address } = result as BackendAddress;
  return { name, address };
}

/** Makes the payload of a call. */
export function guestPayload(hook: HookName, data: unknown, parts: PayloadParts): GuestPayload {
  return (makers[hook] ?? plain)(data as never, parts);
}

const bytesOf = ([, start, length]: BatchData, { bytes }: PayloadParts): Buffer => Buffer.from(bytes, start, length);

function inHands(batch: TrafficBatch, scoped: { [openScope](): ScopedHandle }, { send }: PayloadParts): GuestPayload {
  const handle = scoped[openScope]();
  handle[retainScope]();
  return {
    value: handle,
    answer: (result) => {
      const outcome = Verdict.is(result) ? result.outcome : undefined;
      const kinds = handle[closeScope](false);
      const edits = batch.edits === null ? undefined : editsOf(batch, send);
      return outcome === undefined && edits === undefined ? undefined : [edits, outcome, kinds ?? []];
    },
    close: (failed) => {
      handle[closeScope](failed);
      batch.release();
    },
  };
}

/** Tells what a tap made of a batch by what it left: only what is new travels. */
function editsOf(batch: TrafficBatch, send: PayloadParts['send']): readonly EditRecord[] {
  const left = batch.edits ?? [];
  const source = batch.sources[0];
  batch.edits = null;
  const numbers = new Map(batch.items.map((message, index) => [messageStart(message), index]));
  const records: EditRecord[] = [];
  for (const message of left) {
    const start = messageStart(message);
    const end = messageEnd(message);
    const last = records.at(-1);
    if (messageSource(message) === source) {
      const number = numbers.get(start) ?? 0;
      if (last?.[0] === 'keep' && last[2] === number) records[records.length - 1] = ['keep', last[1], number + 1];
      else records.push(['keep', number, number + 1]);
    } else {
      const at = send([messageSource(message).bytes.subarray(start, end)]);
      if (last?.[0] === 'new' && last[2] === at) records[records.length - 1] = ['new', last[1], at + end - start];
      else records.push(['new', at, at + end - start]);
    }
  }
  return records;
}
