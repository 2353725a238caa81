/** So often within so many milliseconds is too often. */
const often = 3;
const period = 600_000;

/** Watches whether a plugin in gatewayd itself had better run in a thread of its own: holding the process once is enough. */
export class Misbehaviour {
  readonly #tell: (reason: string) => void;
  readonly #pauses: number[] = [];
  readonly #uncaught: number[] = [];
  #told = false;

  /** @param tell called once, with the reason in words that follow the plugin's name */
  constructor(tell: (reason: string) => void) {
    this.#tell = tell;
  }

  /** It held the whole process. */
  hung(milliseconds: number): void {
    this.#say(`held the whole process for ${milliseconds} ms`);
  }

  /** Its circuit breaker of a hook opened, or stayed open after a trial. */
  paused(hook: string): void {
    if (isOften(this.#pauses)) this.#say(`failed so much that it was left out of hook ${hook} again and again`);
  }

  /** It left an error to nobody. */
  uncaught(): void {
    if (isOften(this.#uncaught)) this.#say(`left ${often} errors uncaught`);
  }

  #say(reason: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#tell(reason);
  }
}

function isOften(times: number[]): boolean {
  const now = performance.now();
  times.push(now);
  while (now - (times[0] ?? now) > period) times.shift();
  return times.length >= often;
}
