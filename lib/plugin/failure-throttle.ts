/** So many failures in one place are told of within one period. */
const toldPerPeriod = 10;
const periodMilliseconds = 1_000;

/** How many failures in a place were left out since the last one that was told. */
export interface LeftOut {
  /** All of them. */
  readonly suppressed: number;
  /** Those that nothing else was said of yet: the rest has been told as a number. */
  readonly unsaid: number;
}

/** The failures in one place. */
interface Place {
  start: number;
  told: number;
  suppressed: number;
  unsaid: number;
}

/** Keeps a plugin that fails thousands of times a second from doing so in the log: every failure is counted, few are told. */
export class FailureThrottle {
  readonly #places = new Map<string, Place>();
  readonly #left: (place: string, count: number) => void;

  /** @param left told how many failures in a place were left out, once a period in which there were any */
  constructor(left: (place: string, count: number) => void) {
    this.#left = left;
  }

  /**
   * Whether to tell of one more failure.
   * @returns how many in this place were left out since the last that was told; null where this one is left out
   */
  admit(place: string): LeftOut | null {
    const now = performance.now();
    const known = this.#places.get(place) ?? { start: now, told: 0, suppressed: 0, unsaid: 0 };
    this.#places.set(place, known);
    if (now - known.start >= periodMilliseconds) {
      known.start = now;
      known.told = 0;
    }
    if (known.told >= toldPerPeriod) {
      known.suppressed++;
      if (known.unsaid++ === 0) this.#sayLater(place, known, known.start + periodMilliseconds - now);
      return null;
    }
    known.told++;
    const { suppressed, unsaid } = known;
    known.suppressed = 0;
    known.unsaid = 0;
    return { suppressed, unsaid };
  }

  /** Says now what was to be said later. */
  flush(): void {
    for (const [place, known] of this.#places) this.#say(place, known);
  }

  #sayLater(place: string, known: Place, milliseconds: number): void {
    setTimeout(() => this.#say(place, known), milliseconds).unref();
  }

  #say(place: string, known: Place): void {
    const { unsaid } = known;
    if (unsaid === 0) return;
    known.unsaid = 0;
    this.#left(place, unsaid);
  }
}
