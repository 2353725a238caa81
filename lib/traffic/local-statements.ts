import type { Format } from '../protocol/field-types.ts';
import type { LocalAnswer } from './local-answer.ts';

/** What a client's Parse made, as far as a plugin's reply to it needs to know. */
export interface LocalStatement {
  /** What a plugin replied to its Parse; null when the database knows the statement. */
  readonly answer: LocalAnswer | null;
  /** Object identifiers of its parameters' types; text where the client left it to the database. */
  readonly parameterTypes: readonly number[];
}

/** A portal that a plugin's reply fills. */
export interface LocalPortal {
  readonly answer: LocalAnswer;
  readonly formats: readonly Format[];
  /** The next row to give. */
  position: number;
}

/**
 * A map that forgets the oldest entry when it is full: the ends of prepared statements and portals by SQL (DEALLOCATE,
 * DISCARD, the end of a transaction) are not seen here.
 */
export class BoundedMap<V> {
  readonly #limit: number;
  readonly #entries = new Map<string, V>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(name: string): V | undefined {
    return this.#entries.get(name);
  }

  set(name: string, value: V): void {
    this.#entries.delete(name);
    this.#entries.set(name, value);
    if (this.#entries.size <= this.#limit) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  delete(name: string): void {
    this.#entries.delete(name);
  }
}
