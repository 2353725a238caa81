import { GatewayDError } from '../errors.ts';
import { networkErrors } from './errors.ts';
import { WaitingQueue } from './waiting-queue.ts';

/** Limits of a pool. */
export interface PoolOptions {
  /** `group.block`, for the errors. */
  readonly name: string;
  /** How many connections the database gets at most. */
  readonly size: number;
  /** How many may wait. */
  readonly queueSize: number;
  /** How long one may wait, in milliseconds; 0 is without limit. */
  readonly acquireTimeout: number;
}

/** The right to one connection to the database. */
export interface Slot extends Disposable {
  /** Gives the slot to whoever has waited longest. Later calls do nothing. */
  release(): void;
}

/** The slots of one database, given out in the order they were asked for. */
export class Pool {
  readonly name: string;
  readonly size: number;
  readonly #queueSize: number;
  readonly #queue: WaitingQueue<Slot>;
  #used = 0;

  constructor(options: PoolOptions) {
    const { name, size, queueSize, acquireTimeout: timeout } = options;
    this.name = name;
    this.size = size;
    this.#queueSize = queueSize;
    const values = { pool: name, size, milliseconds: timeout };
    const late = (): Error => new GatewayDError(networkErrors.NETWORK_POOL_TIMEOUT, values);
    this.#queue = new WaitingQueue({ timeout, late });
  }

  /** Slots given out now. */
  get used(): number {
    return this.#used;
  }

  /** How many wait for a slot now. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Gives a slot, at once or when it is this caller's turn.
   * Rejects with NETWORK_POOL_QUEUE_FULL or NETWORK_POOL_TIMEOUT, and with the signal's reason when it is aborted;
   * one that was rejected has left the queue.
   */
  acquire(signal: AbortSignal): Promise<Slot> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.#used < this.size) {
      this.#used += 1;
      return Promise.resolve(this.#slot());
    }
    if (this.#queue.length >= this.#queueSize) {
      const values = { pool: this.name, size: this.size, waiting: this.#queue.length };
      return Promise.reject(new GatewayDError(networkErrors.NETWORK_POOL_QUEUE_FULL, values));
    }
    return this.#queue.wait(signal);
  }

  #slot(): Slot {
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      // The slot goes from hand to hand, so that nobody who comes meanwhile can overtake the queue.
      if (this.#queue.length === 0) this.#used -= 1;
      else this.#queue.give(this.#slot());
    };
    return { release, [Symbol.dispose]: release };
  }
}
