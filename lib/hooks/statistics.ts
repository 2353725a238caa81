import type { BreakerState } from './circuit-breaker.ts';
import type { HookName } from './hooks.ts';
import { LatencyHistogram } from './latency-histogram.ts';

/** How often one plugin's taps of one hook ran, what became of it, and how long they took. */
export interface HookStatistics {
  /** Calls of its taps. */
  readonly calls: number;
  /** Failures of its taps. One call can fail twice: outlast its limit, then reject. */
  readonly errors: number;
  /** Calls left out because the circuit breaker was open. */
  readonly skipped: number;
  /** Calls that changed, answered or refused something. */
  readonly changes: number;
  /** How many calls were timed: of the hooks of traffic the first, and each 256th after it; of all others every one. */
  readonly timed: number;
  /** What the timed calls took together, in milliseconds; of an asynchronous tap until it settled. */
  readonly totalMs: number;
  /** The longest of the timed calls, in milliseconds. */
  readonly maxMs: number;
  /** What half of the timed calls did not exceed, in milliseconds, at most a tenth off. */
  readonly p50Ms: number;
  /** What 99 of 100 timed calls did not exceed, in milliseconds, at most a tenth off. */
  readonly p99Ms: number;
  /** Whether its taps are called at the moment. */
  readonly breaker: BreakerState;
  /** How often the breaker opened. */
  readonly openings: number;
}

/** One call in 256 is timed where calls are many: reading the clock twice takes some 170 ns. */
const untimedTraffic = 255;
const trafficHooks: readonly HookName[] = [
  'traffic',
  'trafficFromClient',
  'trafficToServer',
  'trafficFromServer',
  'trafficToClient',
];

/** As much of a circuit breaker as there is to read. */
interface Breaker {
  readonly state: BreakerState;
  readonly openings: number;
}

/** Counts one plugin's calls of one hook. */
export class HookCounter {
  calls = 0;
  errors = 0;
  skipped = 0;
  changes = 0;
  #timed = 0;
  #totalMs = 0;
  #maxMs = 0;
  #latency: LatencyHistogram | null = null;
  readonly #untimed: number;

  constructor(hook: HookName) {
    this.#untimed = trafficHooks.includes(hook) ? untimedTraffic : 0;
  }

  /** Counts a call; gives the time to hand to `end`, 0 for a call that is not timed. */
  begin(): number {
    return (this.calls++ & this.#untimed) === 0 ? performance.now() : 0;
  }

  end(started: number): void {
    if (started !== 0) this.#add(performance.now() - started);
  }

  read({ state: breaker, openings }: Breaker): HookStatistics {
    return Object.freeze({
      calls: this.calls,
      errors: this.errors,
      skipped: this.skipped,
      changes: this.changes,
      timed: this.#timed,
      totalMs: this.#totalMs,
      maxMs: this.#maxMs,
      p50Ms: Math.min(this.#latency?.quantile(0.5) ?? 0, this.#maxMs),
      p99Ms: Math.min(this.#latency?.quantile(0.99) ?? 0, this.#maxMs),
      breaker,
      openings,
    });
  }

  #add(took: number): void {
    this.#timed++;
    this.#totalMs += took;
    if (took > this.#maxMs) this.#maxMs = took;
    this.#latency ??= new LatencyHistogram();
    this.#latency.add(took);
  }
}
