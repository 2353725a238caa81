/** At most this many events leave in any minute for one plugin and hook. */
const eventsPerMinute = 5;
const minute = 60_000;
/** Hooks can be reported under any name: past this many, all others share one window. */
const windowLimit = 512;

interface Window {
  /** When the last events left, as a ring. */
  readonly sentAt: number[];
  oldest: number;
  suppressed: number;
}

/**
 * Keeps a storm of failures from becoming a storm of events: a window of a minute for each key. It stands in front of
 * the SDK, whose own queue would fill only after each event was built, at a thousand times the cost.
 */
export class FloodGate {
  readonly #windows = new Map<string, Window>();
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * @param more failures that somebody else held back just before this one
   * @returns how many were held back since the last one that was let through; null when this one is held back too
   */
  admit(key: string, more = 0): number | null {
    const window = this.#window(key);
    const now = this.#now();
    const left = window.sentAt[window.oldest];
    if (left !== undefined && now - left < minute) {
      window.suppressed += 1 + more;
      return null;
    }
    window.sentAt[window.oldest] = now;
    window.oldest = (window.oldest + 1) % eventsPerMinute;
    const suppressed = window.suppressed + more;
    window.suppressed = 0;
    return suppressed;
  }

  #window(key: string): Window {
    const known = this.#windows.get(key);
    if (known !== undefined) return known;
    if (this.#windows.size >= windowLimit && key !== '') return this.#window('');
    const window = { sentAt: [], oldest: 0, suppressed: 0 };
    this.#windows.set(key, window);
    return window;
  }
}
