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
    this.#statements.set(name, statement, name === '' ? 0 : statement.parameterTypes.length);
  }

  delete(name: string): void {
    this.#statements.delete(name);
  }

  /** Whether there are any that the database does not know. */
  get answersSome(): boolean {
    return this.#statements.some(({ answer }) => answer !== null);
  }
}

/** Characters of names, and items of lists, that one map remembers altogether: a client could send any number of them. */
const weightLimit = 1_000_000;

/**
 * A map that forgets the oldest entries when it is full: the ends of prepared statements and portals by SQL (DEALLOCATE,
 * DISCARD, the end of a transaction) are not seen here.
 */
export class BoundedMap<V> {
  readonly #limit: number;
  readonly #entries = new Map<string, { readonly value: V; readonly weight: number }>();
  #weight = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(name: string): V | undefined {
    return this.#entries.get(name)?.value;
  }

  /** @param items how many items the value's lists have; one that is too large by itself is not remembered */
  set(name: string, value: V, items = 0): void {
    this.delete(name);
    const weight = name.length + items;
    this.#entries.set(name, { value, weight });
    this.#weight += weight;
    if (this.#overfull) this.#forgetOldest();
  }

  delete(name: string): void {
    this.#weight -= this.#entries.get(name)?.weight ?? 0;
    this.#entries.delete(name);
  }

  get #overfull(): boolean {
    return this.#entries.size > this.#limit || this.#weight > weightLimit;
  }

  #forgetOldest(): void {
    for (const oldest of this.#entries.keys()) {
      this.delete(oldest);
      if (!this.#overfull) return;
    }
  }

  some(is: (value: V) => boolean): boolean {
    for (const { value } of this.#entries.values()) if (is(value)) return true;
    return false;
  }
}
