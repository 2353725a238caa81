import { GatewayDError } from '../errors.ts';
import type { ChangeKind } from '../hooks/message-change.ts';
import type { LargeBody, LargeMessage } from '../hooks/payloads.ts';
import type { Afterwards } from '../hooks/scope.ts';
import { trafficErrors } from './errors.ts';
import { LargeInHand } from './large-in-hand.ts';
import type { Edits, TrafficBatch } from './traffic-batch.ts';

/** A batch while one tap has it in hand: what a tap that fails changed is undone. */
export class BatchInHand<B extends TrafficBatch = TrafficBatch> {
  #batch: B | null;
  readonly #before: Edits;
  #changes: ChangeKind[] | null = null;
  #readers: ((body: LargeBody) => unknown)[] | null = null;

  constructor(batch: B) {
    this.#batch = batch;
    this.#before = batch.edits;
  }

  /** Null once the tap has settled. */
  get batch(): B | null {
    return this.#batch;
  }

  /** @throws {GatewayDError} PAYLOAD_EXPIRED */
  get live(): B {
    if (this.#batch === null) throw new GatewayDError(trafficErrors.PAYLOAD_EXPIRED);
    return this.#batch;
  }

  /** The large message of a batch that is still to be sent. */
  get large(): LargeMessage | null {
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
  change(kind: ChangeKind, make: (batch: B) => void): void {
    const batch = this.live;
    const { edits } = batch;
    make(batch);
    if (batch.edits !== edits) (this.#changes ??= []).push(kind);
  }

  /** Takes over what was done elsewhere to a copy of the batch, by those methods. */
  take(edits: Edits, kinds: readonly ChangeKind[]): void {
    this.live.edits = edits;
    (this.#changes ??= []).push(...kinds);
  }

  /** As `closeScope` of a handle. */
  close(failed: boolean, tap: Afterwards | undefined): readonly ChangeKind[] | null {
    const batch = this.#batch;
    if (batch !== null && failed) batch.edits = this.#before;
    else if (batch !== null && this.#readers !== null && tap !== undefined) {
      for (const read of this.#readers) batch.readers.push({ read, tap });
    }
    this.#batch = null;
    return failed ? null : this.#changes;
  }
}
