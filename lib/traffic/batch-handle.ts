import { GatewayDError } from '../errors.ts';
import type { ChangeKind } from '../hooks/message-change.ts';
import type { Batch, LargeBody, LargeMessage, SentLargeMessage, Session } from '../hooks/payloads.ts';
import { closeScope, retainScope, type Afterwards, type ScopedHandle } from '../hooks/scope.ts';
import type { Message } from '../protocol/messages.ts';
import { trafficErrors } from './errors.ts';
import { LargeInHand } from './large-in-hand.ts';
import type { Edits, TrafficBatch } from './traffic-batch.ts';

let batchIn: (handle: BatchHandle) => TrafficBatch | null;
let changeIn: (handle: BatchHandle, edits: Edits, kinds: readonly ChangeKind[]) => void;

/** A batch in the hands of one tap: it expires with the tap, and what a tap that fails changed is undone. */
export class BatchHandle<B extends TrafficBatch = TrafficBatch> implements Batch, ScopedHandle {
  readonly session: Session;
  #batch: B | null;
  readonly #before: Edits;
  #changes: ChangeKind[] | null = null;
  #readers: ((body: LargeBody) => unknown)[] | null = null;

  static {
    batchIn = (handle) => handle.#batch;
    changeIn = (handle, edits, kinds) => {
      handle.live.edits = edits;
      (handle.#changes ??= []).push(...kinds);
    };
  }

  constructor(batch: B) {
    this.session = batch.session;
    this.#batch = batch;
    this.#before = batch.edits;
  }

  /** @throws {GatewayDError} PAYLOAD_EXPIRED */
  get live(): B {
    if (this.#batch === null) throw new GatewayDError(trafficErrors.PAYLOAD_EXPIRED);
    return this.#batch;
  }

  get messages(): Iterable<Message> {
    return this.live.messages;
  }

  get large(): SentLargeMessage | null {
    return this.live.shownLarge;
  }

  [retainScope](): void {
    this.live.retain();
  }

  [closeScope](failed: boolean, tap?: Afterwards): readonly ChangeKind[] | null {
    const batch = this.#batch;
    if (batch !== null && failed) batch.edits = this.#before;
    else if (batch !== null && this.#readers !== null && tap !== undefined) {
      for (const read of this.#readers) batch.readers.push({ read, tap });
    }
    this.#batch = null;
    return failed ? null : this.#changes;
  }

  /** The large message of a batch that is still to be sent. */
  protected get largeInHand(): LargeMessage | null {
    const { largeHead, edits } = this.live;
    if (largeHead === null || edits !== null) return null;
    return new LargeInHand(largeHead, {
      read: (reader) => {
        void this.live;
        (this.#readers ??= []).push(reader);
      },
      replace: (kind, by) => this.change(kind, (batch) => batch.replaceLarge(by)),
    });
  }

  /** Calls what may change the batch, and remembers it if it did. */
  protected change(kind: ChangeKind, make: (batch: B) => void): void {
    const batch = this.live;
    const { edits } = batch;
    make(batch);
    if (batch.edits !== edits) (this.#changes ??= []).push(kind);
  }
}

/** The batch in a tap's hands; null once the tap has settled, and for what is no such handle. */
export function batchOf(handle: unknown): TrafficBatch | null {
  return handle instanceof BatchHandle ? batchIn(handle) : null;
}

/** Does to the batch in a tap's hands what was done elsewhere to a copy of it, by those methods. */
export function takeEdits(handle: BatchHandle, edits: Edits, kinds: readonly ChangeKind[]): void {
  changeIn(handle, edits, kinds);
}
