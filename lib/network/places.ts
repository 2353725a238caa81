/**
 * The connections of one block of `clients` to its address. Pools of two configurations share it when one takes the
 * place of the other: sessions of before count until they are over, so that the database never has more than it was
 * said to have; and whoever waits in either pool waits for what there may be now.
 */
export class Places {
  #most: number;
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  /** @param most how many there may be */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many there are or are being made. */
  get taken(): number {
    return this.#taken;
  }

  /** How many more there may be. */
  get left(): number {
    return Math.max(0, this.#most - this.#taken);
  }

  /** From now on there may be so many; those beyond that stay until they are over. */
  allow(most: number): void {
    this.#most = most;
    this.#tell();
  }

  /** There is one more; whether there may be is the caller's to know. */
  take(): void {
    this.#taken += 1;
  }

  /** One is gone. */
  free(): void {
    this.#taken -= 1;
    this.#tell();
  }

  /** Calls back once, when a place may have become free: others may have taken it by then. */
  whenFree(freed: () => void): void {
    this.#waiting.add(freed);
  }

  #tell(): void {
    const told = [...this.#waiting];
    this.#waiting.clear();
    for (const freed of told) freed();
  }
}
