import type { HookName } from '../hooks/hooks.ts';
import type { ChangeKind } from '../hooks/message-change.ts';
import type { Batch, FromClient, FromServer, Opening, Routing, Session, StartupEvent } from '../hooks/payloads.ts';
import { retainScope, type ScopedHandle } from '../hooks/scope.ts';
import { checkLength } from '../protocol/frame-scanner.ts';
import { MessageSource } from '../protocol/message-source.ts';
import { readMessages, type Message } from '../protocol/messages.ts';
import { messageEnd, messageStart } from '../protocol/protocol-message.ts';
import { batchOf, takeEdits } from '../traffic/batch-handle.ts';
import { ServerBatch } from '../traffic/server-batch.ts';
import type { TrafficBatch } from '../traffic/traffic-batch.ts';
import { cross, uncross } from './crossed.ts';
import { count, list, record, text } from './expected.ts';
import type { ShapeRecord } from './wire.ts';

/** What sending a payload takes. */
export interface Sending {
  readonly numberOf: (session: Session) => number;
  /** Puts bytes into the packet; gives where they begin. */
  readonly bytes: (pieces: readonly Buffer[]) => number;
  /** Told of what of an event's data stays behind. */
  readonly leftBehind: (event: string, path: string, kind: string) => void;
}

/** How the payload of one hook crosses, and what comes back. */
interface PayloadCrossing {
  /** What of the payload is sent. */
  readonly send: (payload: unknown, sending: Sending) => unknown;
  /**
   * Does to the payload what the guest's tap did to its copy; gives what the tap returned.
   * @throws whatever is wrong with the answer
   */
  readonly receive?: (answer: unknown, payload: unknown, bytes: ArrayBuffer) => unknown;
}

const plain: PayloadCrossing = { send: (payload) => payload };
const ofSession: PayloadCrossing = { send: (payload, { numberOf }) => numberOf(payload as Session) };

const ofBatch: PayloadCrossing = {
  send(payload, { numberOf, bytes }) {
    const handle = payload as Batch & ScopedHandle;
    // It is going to be waited for: from now on nothing of it lies in a socket's buffer.
    handle[retainScope]();
    const batch = batchOf(handle);
    const pieces = batch?.output() ?? [];
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return [numberOf(handle.session), bytes(pieces), length, batch instanceof ServerBatch ? shapesOf(batch) : null];
  },
};

const crossings: { readonly [H in HookName]?: PayloadCrossing } = {
  configLoaded: { ...plain, receive: (answer) => (answer === undefined ? undefined : uncross(answer)) },
  startup: {
    send: (event) => {
      const { plugins, ...rest } = event as StartupEvent;
      return { ...rest, plugins: plugins.map(({ name }) => name) };
    },
  },
  hook: {
    send: (event, { leftBehind }) => {
      const { name, data } = event as { readonly name: string; readonly data: unknown };
      return { name, data: cross(data, (path, kind) => leftBehind(name, path, kind)) };
    },
  },
  opening: {
    send: (opening, { numberOf }) => numberOf((opening as Opening).session),
    receive: (answer, opening) => (answer === undefined ? undefined : refusal(record(answer), opening as Opening)),
  },
  route: {
    send: (routing, { numberOf }) => {
      const { session, candidates } = routing as Routing;
      return [numberOf(session), candidates];
    },
    receive: (answer) => answer,
  },
  opened: ofSession,
  closing: ofSession,
  closed: ofSession,
  traffic: ofSession,
  trafficFromClient: { ...ofBatch, receive: receiveEdits },
  trafficFromServer: { ...ofBatch, receive: receiveEdits },
  trafficToServer: ofBatch,
  trafficToClient: ofBatch,
};

/** How the payload of a hook crosses. */
export function crossingOf(hook: HookName): PayloadCrossing {
  return crossings[hook] ?? plain;
}

function shapesOf(batch: ServerBatch): readonly ShapeRecord[] | null {
  const shapes = batch.shapesOfOutput();
  if (shapes.length === 0) return null;
  return shapes.map(({ start, shape }) => [start, shape === null ? null : new Uint8Array(shape.description)]);
}

function refusal({ sqlstate, message, detail }: Readonly<Record<string, unknown>>, opening: Opening): unknown {
  return opening.refuse(text(sqlstate), text(message), ...(detail === undefined ? [] : [text(detail)]));
}

function receiveEdits(answer: unknown, payload: unknown, bytes: ArrayBuffer): unknown {
  const batch = batchOf(payload);
  // Too late: the time limit of the tap was over first.
  if (answer === undefined || batch === null) return undefined;
  const [edits, outcome, kinds] = list(answer);
  if (edits !== undefined) {
    takeEdits(payload, edited(batch, list(edits), bytes), list(kinds).map(changeKind));
  }
  return outcome === undefined ? undefined : verdict(record(outcome), payload as FromClient & FromServer);
}

const changeKinds: readonly ChangeKind[] = ['replaceQuery', 'replace', 'drop', 'mapRows'];

function changeKind(kind: unknown): ChangeKind {
  const known = changeKinds.find((one) => one === kind);
  if (known === undefined) throw new TypeError('a change that is none');
  return known;
}

/** So much more than what it got, and what it sent, a tap may make of a batch by saying the same again. */
const mostRepeated = { bytes: 64 * 1024 * 1024, messages: 1_000_000 };

/** Ranges may come more than once, so that a few words could stand for more than there is memory. */
function edited(batch: TrafficBatch, edits: readonly unknown[], bytes: ArrayBuffer): readonly Message[] {
  const { items } = batch;
  const messages: Message[] = [];
  let bytesLeft = sizeOf(items) + bytes.byteLength + mostRepeated.bytes;
  for (const edit of edits) {
    const [kind, from, to] = list(edit);
    const start = count(from);
    const end = count(to);
    if (start > end || end > (kind === 'keep' ? items.length : bytes.byteLength)) throw noEdit();
    const next = kind === 'keep' ? items.slice(start, end) : made(batch, kind, Buffer.from(bytes, start, end - start));
    bytesLeft -= sizeOf(next);
    if (bytesLeft < 0 || messages.length > items.length + mostRepeated.messages) throw noEdit();
    for (const message of next) messages.push(message);
  }
  return messages;
}

function made({ sender }: TrafficBatch, kind: unknown, bytes: Buffer): readonly Message[] {
  if (kind !== 'new') throw noEdit();
  checkFrames(bytes);
  const messages: Message[] = [];
  readMessages(sender, new MessageSource(bytes, true), messages);
  return messages;
}

const sizeOf = (messages: readonly Message[]): number =>
  messages.reduce((sum, message) => sum + messageEnd(message) - messageStart(message), 0);

const noEdit = (): TypeError => new TypeError('an edit that is none');

/** @throws unless the bytes are whole messages */
function checkFrames(bytes: Buffer): void {
  let start = 0;
  while (start < bytes.length) {
    if (bytes.length - start < 5) throw new TypeError('half a message');
    const length = bytes.readInt32BE(start + 1);
    checkLength(bytes.readUInt8(start), length);
    start += length + 1;
  }
  if (start !== bytes.length) throw new TypeError('half a message');
}

function verdict(outcome: Readonly<Record<string, unknown>>, payload: FromClient & FromServer): unknown {
  if (outcome['kind'] === 'reply') {
    const { columns, rows, command } = outcome;
    return payload.reply({
      columns: list(columns).map(text),
      rows: list(rows).map((row) => list(row).map((value) => (value === null ? null : text(value)))),
      ...(command === undefined ? {} : { command: text(command) }),
    });
  }
  const { sqlstate, message } = record(outcome['error']);
  if (outcome['kind'] === 'refuse') return payload.refuse(text(sqlstate), text(message));
  if (outcome['kind'] === 'terminate') return payload.terminate(text(sqlstate), text(message));
  throw new TypeError('a verdict that is none');
}
