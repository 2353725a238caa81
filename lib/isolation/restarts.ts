import { Backoff } from './backoff.ts';

/** When a guest that died is started again. */
export class Restarts {
  readonly #attempt: () => Promise<void>;
  readonly #backoff = new Backoff();
  #timer: NodeJS.Timeout | null = null;

  /** @param attempt is run for each restart, and never rejects */
  constructor(attempt: () => Promise<void>) {
    this.#attempt = attempt;
  }

  /** The guest serves. */
  up(): void {
    this.#backoff.up();
  }

  /** There is going to be an attempt, the later the more there were. */
  later(): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#attempt();
    }, this.#backoff.next()).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
