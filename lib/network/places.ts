/**
 * The connections of one block of `clients` to its address. Pools of two configurations share it when one takes the
 * place of the other: sessions of before count until they are over, so that the database never has more than it was
 * said to have.
 */
export class Places {
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  /** How many there are or are being made. */
  get taken(): number {
    return this.#taken;
  }

  /** There is one more; whether there may be is the caller's to know. */
  take(): void {
    this.#taken += 1;
  }

  /** One is gone. */
  free(): void {
    this.#taken -= 1;
    const told = [...this.#waiting];
    this.#waiting.clear();
    for (const freed of told) freed();
  }

  /** Calls back once, when a place has become free: nobody else need have left it by then. */
  whenFree(freed: () => void): void {
    this.#waiting.add(freed);
  }
}
