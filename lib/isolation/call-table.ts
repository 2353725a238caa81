/** Of the table, more than there are ever calls under way. */
const places = 2 ** 14;

/**
 * The calls under way, by number: a place in the table, and how many calls began before. The places are used again. In
 * a Map, which makes itself a new table every few calls, each old table keeps the calls it had until the next full
 * collection: all of them outlived what V8 clears away cheaply, and a quarter of the time went to that.
 */
export class CallTable<Call extends { readonly id: number }> {
  readonly #calls: (Call | undefined)[] = [];
  readonly #free: number[] = [];
  #begun = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** A number for a call that is going to be added, different from any before. */
  nextId(): number {
    return this.#begun++ * places + (this.#free.pop() ?? this.#calls.push(undefined) - 1);
  }

  add(call: Call): void {
    this.#calls[call.id % places] = call;
    this.#size++;
  }

  /** Whether a call ever had that number. */
  wasIssued(id: number): boolean {
    return id < this.#begun * places && id % places < this.#calls.length;
  }

  get(id: number): Call | undefined {
    const call = this.#calls[id % places];
    return call?.id === id ? call : undefined;
  }

  take(id: number): Call | undefined {
    const call = this.get(id);
    if (call === undefined) return undefined;
    this.#calls[id % places] = undefined;
    this.#free.push(id % places);
    this.#size--;
    return call;
  }

  *[Symbol.iterator](): Iterator<Call> {
    for (const call of this.#calls) if (call !== undefined) yield call;
  }
}
