/** At most this many events a minute leave for one plugin and hook. */
const eventsPerMinute = 5;
/** Hooks can be reported under any name: past this many, all others share one bucket. */
const bucketLimit = 512;

interface Bucket {
  tokens: number;
  filledAt: number;
  suppressed: number;
}

/**
 * Keeps a storm of failures from becoming a storm of events: a token bucket for each key. It stands in front of the
 * SDK, whose own queue would fill only after each event was built, at a thousand times the cost.
 */
export class FloodGate {
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @returns how many were held back since the last one that was let through; null when this one is held back too */
  admit(key: string): number | null {
    const bucket = this.#bucket(key);
    const now = this.#now();
    bucket.tokens = Math.min(eventsPerMinute, bucket.tokens + ((now - bucket.filledAt) * eventsPerMinute) / 60_000);
    bucket.filledAt = now;
    if (bucket.tokens < 1) {
      bucket.suppressed += 1;
      return null;
    }
    bucket.tokens -= 1;
    const { suppressed } = bucket;
    bucket.suppressed = 0;
    return suppressed;
  }

  #bucket(key: string): Bucket {
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    if (this.#buckets.size >= bucketLimit && key !== '') return this.#bucket('');
    const bucket = { tokens: eventsPerMinute, filledAt: this.#now(), suppressed: 0 };
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
