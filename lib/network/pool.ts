import { GatewayDError } from '../errors.ts';
import { networkErrors } from './errors.ts';

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

interface Waiter {
  readonly take: (slot: Slot) => void;
}

/** The slots of one database, given out in the order they were asked for. */
export class Pool {
  readonly name: string;
  readonly size: number;
  readonly #queueSize: number;
  readonly #acquireTimeout: number;
  /** A Set keeps the order of insertion and lets one that gives up leave from the middle. */
  readonly #queue = new Set<Waiter>();
  #used = 0;

  constructor(options: PoolOptions) {
    this.name = options.name;
    this.size = options.size;
    this.#queueSize = options.queueSize;
    this.#acquireTimeout = options.acquireTimeout;
  }

  /** Slots given out now. */
  get used(): number {
    return this.#used;
  }

  /** How many wait for a slot now. */
  get waiting(): number {
    return this.#queue.size;
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
    if (this.#queue.size >= this.#queueSize) {
      const values = { pool: this.name, size: this.size, waiting: this.#queue.size };
      return Promise.reject(new GatewayDError(networkErrors.NETWORK_POOL_QUEUE_FULL, values));
    }
    return this.#wait(signal);
  }

  #wait(signal: AbortSignal): Promise<Slot> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const leave = (): void => {
        this.#queue.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        leave();
        reject(signal.reason as Error);
      };
      const expire = (): void => {
        leave();
        const values = { pool: this.name, size: this.size, milliseconds: this.#acquireTimeout };
        reject(new GatewayDError(networkErrors.NETWORK_POOL_TIMEOUT, values));
      };
      const waiter: Waiter = {
        take: (slot) => {
          leave();
          resolve(slot);
        },
      };
      this.#queue.add(waiter);
      signal.addEventListener('abort', abort);
      if (this.#acquireTimeout > 0) timer = setTimeout(expire, this.#acquireTimeout);
    });
  }

  #slot(): Slot {
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      const [next] = this.#queue;
      // The slot goes from hand to hand, so that nobody who comes meanwhile can overtake the queue.
      if (next === undefined) this.#used -= 1;
      else next.take(this.#slot());
    };
    return { release, [Symbol.dispose]: release };
  }
}
