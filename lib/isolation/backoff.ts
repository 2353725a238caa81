const first = 50;
const longest = 30_000;
/** Who ran for so long starts from the beginning. */
const healthyAfter = 10_000;

/** How long to wait before a guest is started again: longer each time, and never as long as anybody else. */
export class Backoff {
  #attempts = 0;
  #upSince: number | null = null;

  /** The guest serves. */
  up(): void {
    this.#upSince = performance.now();
  }

  /** Milliseconds until the next attempt. */
  next(): number {
    if (this.#upSince !== null && performance.now() - this.#upSince > healthyAfter) this.#attempts = 0;
    this.#upSince = null;
    const most = Math.min(first * 2 ** this.#attempts++, longest);
    return Math.round(most * (0.5 + Math.random() / 2));
  }
}
