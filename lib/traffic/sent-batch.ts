import type { Batch, SentLargeMessage, Session } from '../hooks/payloads.ts';
import { openScope, type Scoped, type ScopedHandle } from '../hooks/scope.ts';
import type { Message } from '../protocol/messages.ts';
import { SentHandle } from './batch-handle.ts';
import type { TrafficBatch } from './traffic-batch.ts';

/** Payload of `trafficToServer` and `trafficToClient`: what was sent, to be looked at. */
export class SentBatch implements Batch, Scoped {
  readonly #batch: TrafficBatch;

  constructor(batch: TrafficBatch) {
    this.#batch = batch;
  }

  get session(): Session {
    return this.#batch.session;
  }

  get messages(): Iterable<Message> {
    return this.#batch.messages;
  }

  get large(): SentLargeMessage | null {
    return this.#batch.shownLarge;
  }

  [openScope](): ScopedHandle {
    return new SentHandle(this.#batch);
  }
}
