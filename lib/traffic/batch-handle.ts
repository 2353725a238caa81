import { GatewayDError } from '../errors.ts';
import type { Batch, Session } from '../hooks/payloads.ts';
import { closeScope, retainScope, type ScopedHandle } from '../hooks/scope.ts';
import type { Message } from '../protocol/messages.ts';
import { trafficErrors } from './errors.ts';
import type { Edits, TrafficBatch } from './traffic-batch.ts';

/** A batch in the hands of one tap: it expires with the tap, and what a tap that fails changed is undone. */
export class BatchHandle<B extends TrafficBatch = TrafficBatch> implements Batch, ScopedHandle {
  readonly session: Session;
  #batch: B | null;
  readonly #before: Edits;

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

  [retainScope](): void {
    this.live.retain();
  }

  [closeScope](failed: boolean): void {
    if (failed && this.#batch !== null) this.#batch.edits = this.#before;
    this.#batch = null;
  }
}
