/** Whether a database can be reached, as far as is known. */
export class Health {
  #downUntil = 0;

  /** It could not be reached lately, and nobody has tried again with more luck. */
  get isDown(): boolean {
    return performance.now() < this.#downUntil;
  }

  /** @param pause milliseconds for which it is to come after others */
  failed(pause: number): void {
    this.#downUntil = performance.now() + pause;
  }

  reached(): void {
    this.#downUntil = 0;
  }
}
