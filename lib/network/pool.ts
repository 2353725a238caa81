import { GatewayDError } from '../errors.ts';
import { networkErrors } from './errors.ts';
import { Places } from './places.ts';
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
  /** Where it takes the place of another pool: what sessions of that still hold, and how many there may be now. */
  readonly places?: Places;
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
  readonly #places: Places;
  #used = 0;

  constructor(options: PoolOptions) {
    const { name, size, queueSize, acquireTimeout: timeout } = options;
    this.name = name;
    this.size = size;
    this.#queueSize = queueSize;
    this.#places = options.places ?? new Places(size);
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
    if (this.#places.left > 0 && this.#queue.length === 0) return Promise.resolve(this.#slot());
    if (this.#queue.length >= this.#queueSize) {
      const values = { pool: this.name, size: this.size, waiting: this.#queue.length };
      return Promise.reject(new GatewayDError(networkErrors.NETWORK_POOL_QUEUE_FULL, values));
    }
    this.#places.whenFree(this.#serve);
    return this.#queue.wait(signal);
  }

  /** At once, so that nobody who comes meanwhile can overtake the queue. */
  readonly #serve = (): void => {
    while (this.#queue.length > 0 && this.#places.left > 0) this.#queue.give(this.#slot());
    if (this.#queue.length > 0) this.#places.whenFree(this.#serve);
  };

  #slot(): Slot {
    let held = true;
    this.#used += 1;
    this.#places.take();
    const release = (): void => {
      if (!held) return;
      held = false;
      this.#used -= 1;
      this.#places.free();
    };
    return { release, [Symbol.dispose]: release };
  }
}
