/** When a plugin that fails is left alone, and for how long. */
export interface BreakerLimits {
  /** So many failures open it; 0: nothing does. */
  readonly failures: number;
  /** The share of calls that must fail besides, from 0 to 1. */
  readonly ratio: number;
  /** Milliseconds in which they are counted; longer while there are fewer than `failures` calls. */
  readonly window: number;
  /** Milliseconds until one call is tried; twice as many each time that it fails or the breaker opens again soon. */
  readonly pause: number;
  /** The longest that pauses come to, in milliseconds. */
  readonly maxPause: number;
}

/**
 * `closed`: the taps are called. `open`: they are not. `half-open`: one call is tried, which closes the breaker or opens
 * it again.
 */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** The opening or closing of a breaker. */
export interface BreakerChange {
  readonly state: 'closed' | 'open';
  /** Failures that opened it; 1 for a trial that failed; 0 where it closes. */
  readonly failures: number;
  /** The calls among which they were. */
  readonly calls: number;
  /** Calls left out since it was last closed. */
  readonly skipped: number;
  /** Milliseconds until a call is tried; 0 where it closes. */
  readonly pause: number;
}

/** What a breaker must know of the calls it guards. */
interface Counted {
  readonly calls: number;
  readonly skipped: number;
}

/**
 * Leaves a plugin's taps of one hook alone when they fail again and again, and comes back by itself. Calls that do not
 * fail cost it nothing: while it is closed, only `blocked` is read.
 */
export class CircuitBreaker {
  /** Whether a call has to ask `tryOnce` first. */
  blocked = false;
  /** How often it opened. */
  openings = 0;
  readonly #limits: BreakerLimits;
  readonly #counter: Counted;
  readonly #changed: (change: BreakerChange) => void;
  #state: BreakerState = 'closed';
  #trying = false;
  #failures = 0;
  #windowStart = 0;
  #callsBefore = 0;
  #skippedBefore = 0;
  /** Openings with no calm between them. */
  #inRow = 0;
  #closedAt = 0;

  constructor(limits: BreakerLimits, counter: Counted, changed: (change: BreakerChange) => void) {
    this.#limits = limits;
    this.#counter = counter;
    this.#changed = changed;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Whether the one call of a half-open breaker may be made; it is to be told how that went. */
  tryOnce(): boolean {
    if (this.#state !== 'half-open' || this.#trying) return false;
    this.#trying = true;
    return true;
  }

  /** A call failed that was made while the breaker was closed. */
  failed(): void {
    const { failures, ratio, window } = this.#limits;
    if (failures === 0 || this.#state !== 'closed') return;
    const now = performance.now();
    let calls = this.#counter.calls - this.#callsBefore;
    if (this.#failures === 0 || (now - this.#windowStart > window && calls > failures)) {
      this.#failures = 0;
      this.#windowStart = now;
      this.#callsBefore = this.#counter.calls - 1;
      calls = 1;
    }
    this.#failures++;
    // Of taps that wait, several may fail for each call that was begun since.
    if (this.#failures < failures || this.#failures < ratio * calls) return;
    if (now - this.#closedAt > Math.max(window, this.#pauseAfter(this.#inRow))) this.#inRow = 0;
    this.#skippedBefore = this.#counter.skipped;
    this.#open(this.#failures, Math.max(calls, this.#failures));
  }

  /** The one call that was tried has settled. */
  tried(failed: boolean): void {
    this.#trying = false;
    if (failed) return this.#open(1, 1);
    this.#state = 'closed';
    this.blocked = false;
    this.#failures = 0;
    this.#closedAt = performance.now();
    this.#changed({ state: 'closed', failures: 0, calls: 1, skipped: this.#skipped, pause: 0 });
  }

  get #skipped(): number {
    return this.#counter.skipped - this.#skippedBefore;
  }

  #open(failures: number, calls: number): void {
    this.openings++;
    this.#inRow++;
    const pause = this.#pauseAfter(this.#inRow);
    this.#state = 'open';
    this.blocked = true;
    setTimeout(() => (this.#state = 'half-open'), pause).unref();
    this.#changed({ state: 'open', failures, calls, skipped: this.#skipped, pause });
  }

  #pauseAfter(openings: number): number {
    return Math.min(this.#limits.pause * 2 ** Math.max(openings - 1, 0), this.#limits.maxPause);
  }
}
