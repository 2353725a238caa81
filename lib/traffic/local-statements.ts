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
  readonly #named = new BoundedMap<LocalStatement>(1000);
  /** There is one for each query where the client names none. */
  #unnamed: LocalStatement | undefined;
  #mayAnswer = false;

  /** Whether there has ever been one that the database does not know: most often not, and then no name need be read. */
  get mayAnswer(): boolean {
    return this.#mayAnswer;
  }

  get empty(): boolean {
    return this.#unnamed === undefined && this.#named.empty;
  }

  get(name: string): LocalStatement | undefined {
    return name === '' ? this.#unnamed : this.#named.get(name);
  }

  set(name: string, statement: LocalStatement): void {
    if (statement.answer !== null) this.#mayAnswer = true;
    if (name === '') this.#unnamed = statement;
    else this.#named.set(name, statement, statement.parameterTypes.length);
  }

  delete(name: string): void {
    if (name === '') this.#unnamed = undefined;
    else this.#named.delete(name);
  }

  /** Whether there are any that the database does not know. */
  get answersSome(): boolean {
    return (this.#unnamed?.answer ?? null) !== null || this.#named.some(({ answer }) => answer !== null);
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

  get empty(): boolean {
    return this.#entries.size === 0;
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
