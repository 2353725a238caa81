/** How often one plugin's taps of one hook ran, and how long they took. */
export interface HookStatistics {
  /** Calls of its taps. */
  readonly calls: number;
  /** Failures of its taps. One call can fail twice: outlast its limit, then reject. */
  readonly errors: number;
  /** How many calls were timed: the first, and each 64th after it. */
  readonly timed: number;
  /** What the timed calls took together, in milliseconds; of an asynchronous tap until it settled. */
  readonly totalMs: number;
  /** The longest of the timed calls, in milliseconds. */
  readonly maxMs: number;
}

/** One call in 64 is timed: reading the clock costs more than everything else the view does. */
const UNTIMED = 63;

/** Counts one plugin's calls of one hook. */
export class HookCounter implements HookStatistics {
  calls = 0;
  errors = 0;
  timed = 0;
  totalMs = 0;
  maxMs = 0;

  /** Counts a call; gives the time to hand to `end`, 0 for a call that is not timed. */
  begin(): number {
    return (this.calls++ & UNTIMED) === 0 ? performance.now() : 0;
  }

  end(started: number): void {
    if (started === 0) return;
    const took = performance.now() - started;
    this.timed++;
    this.totalMs += took;
    if (took > this.maxMs) this.maxMs = took;
  }
}
