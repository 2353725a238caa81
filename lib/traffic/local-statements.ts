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

/** What the client prepared: it outlives a change of the generation of plugins. */
export class LocalStatements {
  readonly #statements = new BoundedMap<LocalStatement>(1000);

  get(name: string): LocalStatement | undefined {
    return this.#statements.get(name);
  }

  set(name: string, statement: LocalStatement): void {
    this.#statements.set(name, statement);
  }

  delete(name: string): void {
    this.#statements.delete(name);
  }

  /** Whether there are any that the database does not know. */
  get answersSome(): boolean {
    return this.#statements.some(({ answer }) => answer !== null);
  }
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

  some(is: (value: V) => boolean): boolean {
    for (const value of this.#entries.values()) if (is(value)) return true;
    return false;
  }
}
