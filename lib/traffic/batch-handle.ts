import type { ChangeKind } from '../hooks/message-change.ts';
import type {
  Batch,
  FromClient,
  FromServer,
  LargeMessage,
  ReplyRows,
  Row,
  SentLargeMessage,
  Session,
} from '../hooks/payloads.ts';
import { closeScope, retainScope, type Afterwards, type ScopedHandle } from '../hooks/scope.ts';
import type { Verdict } from '../hooks/verdict.ts';
import type { Message } from '../protocol/messages.ts';
import { BatchInHand } from './batch-in-hand.ts';
import type { ClientBatch } from './client-batch.ts';
import type { ServerBatch } from './server-batch.ts';
import type { Edits, TrafficBatch } from './traffic-batch.ts';

/**
 * What a plugin has of a batch: handles that expire with its tap. One is made for each tap and batch, and none of the
 * classes extends another: to make an object of a class that does takes V8 five times as long.
 */

let ofClient: (handle: object) => BatchInHand<ClientBatch> | null;
let ofServer: (handle: object) => BatchInHand<ServerBatch> | null;
let ofSent: (handle: object) => BatchInHand | null;

/** Payload of `trafficFromClient` in a tap's hands. */
export class ClientHandle implements FromClient, ScopedHandle {
  readonly session: Session;
  readonly #hand: BatchInHand<ClientBatch>;

  static {
    ofClient = (handle) => (#hand in handle ? handle.#hand : null);
  }

  constructor(batch: ClientBatch) {
    this.session = batch.session;
    this.#hand = new BatchInHand(batch);
  }

  get messages(): Iterable<Message> {
    return this.#hand.live.messages;
  }

  get large(): LargeMessage | null {
    return this.#hand.large;
  }

  get query(): string | null {
    return this.#hand.live.query;
  }

  replaceQuery(sql: string): void {
    this.#hand.change('replaceQuery', (batch) => batch.replaceQuery(sql));
  }

  replace(message: Message, by: Message | readonly Message[]): void {
    this.#hand.change('replace', (batch) => batch.replace(message, by));
  }

  drop(message: Message): void {
    this.#hand.change('drop', (batch) => batch.drop(message));
  }

  reply(rows: ReplyRows): Verdict {
    return this.#hand.live.reply(rows);
  }

  refuse(sqlstate: string, message: string): Verdict {
    return this.#hand.live.refuse(sqlstate, message);
  }

  terminate(sqlstate: string, message: string): Verdict {
    return this.#hand.live.terminate(sqlstate, message);
  }

  [retainScope](): void {
    this.#hand.live.retain();
  }

  [closeScope](failed: boolean, tap?: Afterwards): readonly ChangeKind[] | null {
    return this.#hand.close(failed, tap);
  }
}

/** Payload of `trafficFromServer` in a tap's hands. */
export class ServerHandle implements FromServer, ScopedHandle {
  readonly session: Session;
  readonly #hand: BatchInHand<ServerBatch>;

  static {
    ofServer = (handle) => (#hand in handle ? handle.#hand : null);
  }

  constructor(batch: ServerBatch) {
    this.session = batch.session;
    this.#hand = new BatchInHand(batch);
  }

  get messages(): Iterable<Message> {
    return this.#hand.live.messages;
  }

  get large(): LargeMessage | null {
    return this.#hand.large;
  }

  mapRows(map: (row: Row) => Row | null): void {
    this.#hand.change('mapRows', (batch) => batch.mapLiveRows(map, () => void this.#hand.live));
  }

  replace(message: Message, by: Message | readonly Message[]): void {
    this.#hand.change('replace', (batch) => batch.replace(message, by));
  }

  terminate(sqlstate: string, message: string): Verdict {
    return this.#hand.live.terminate(sqlstate, message);
  }

  [retainScope](): void {
    this.#hand.live.retain();
  }

  [closeScope](failed: boolean, tap?: Afterwards): readonly ChangeKind[] | null {
    return this.#hand.close(failed, tap);
  }
}

/** Payload of `trafficToServer` and `trafficToClient` in a tap's hands. */
export class SentHandle implements Batch, ScopedHandle {
  readonly session: Session;
  readonly #hand: BatchInHand;

  static {
    ofSent = (handle) => (#hand in handle ? handle.#hand : null);
  }

  constructor(batch: TrafficBatch) {
    this.session = batch.session;
    this.#hand = new BatchInHand(batch);
  }

  get messages(): Iterable<Message> {
    return this.#hand.live.messages;
  }

  get large(): SentLargeMessage | null {
    return this.#hand.live.shownLarge;
  }

  [retainScope](): void {
    this.#hand.live.retain();
  }

  [closeScope](failed: boolean, tap?: Afterwards): readonly ChangeKind[] | null {
    return this.#hand.close(failed, tap);
  }
}

function handOf(payload: unknown): { readonly batch: TrafficBatch | null; take: BatchInHand['take'] } | null {
  if (typeof payload !== 'object' || payload === null) return null;
  return ofClient(payload) ?? ofServer(payload) ?? ofSent(payload);
}

/** The batch in a tap's hands; null once the tap has settled, and for what is no such handle. */
export function batchOf(handle: unknown): TrafficBatch | null {
  return handOf(handle)?.batch ?? null;
}

/** Does to the batch in a tap's hands what was done elsewhere to a copy of it, by those methods. */
export function takeEdits(handle: unknown, edits: Edits, kinds: readonly ChangeKind[]): void {
  handOf(handle)?.take(edits, kinds);
}
