import { GatewayDError } from '../errors.ts';
import { controlErrors } from './errors.ts';

/** As much of a request as matters for making one of several. */
export interface Mergeable {
  /** All where it is left out. */
  readonly plugins?: readonly string[];
  readonly isolation?: Readonly<Record<string, 'none' | 'worker' | 'process'>>;
}

/** Makes one reload after the other, and one of all that are asked for while one is under way. */
export class ReloadQueue<Result> {
  readonly #reload: (request: Mergeable) => Promise<Result>;
  #waiting: { request: Mergeable; readonly done: Promise<Result> } | null = null;
  /** Settles, and never rejects, when the one under way is over. */
  #running: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(reload: (request: Mergeable) => Promise<Result>) {
    this.#reload = reload;
  }

  /** @throws {GatewayDError} CONTROL_STOPPING; what the reload throws */
  async ask(request: Mergeable): Promise<Result> {
    if (this.#waiting === null) {
      const done = this.#running.then(() => this.#next());
      this.#waiting = { request, done };
      this.#running = done.catch(() => undefined);
    } else this.#waiting.request = merged(this.#waiting.request, request);
    return await this.#waiting.done;
  }

  /** Refuses those that wait and those to come. Settles when the one under way is over. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #next(): Promise<Result> {
    const { request } = this.#waiting as { request: Mergeable };
    this.#waiting = null;
    if (this.#closed) throw new GatewayDError(controlErrors.CONTROL_STOPPING);
    return await this.#reload(request);
  }
}

function merged(one: Mergeable, other: Mergeable): Mergeable {
  const isolation = { ...one.isolation, ...other.isolation };
  if (one.plugins === undefined || other.plugins === undefined) return { isolation };
  return { isolation, plugins: [...new Set([...one.plugins, ...other.plugins])] };
}
