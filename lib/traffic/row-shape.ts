import type { Column } from '../hooks/payloads.ts';
import { backendKinds, type RowField } from '../protocol/backend-messages.ts';
import { MessageSource } from '../protocol/message-source.ts';

/** What a RowDescription said; it is read when the first tap wants a row's columns. */
export class RowShape {
  readonly #message: Buffer;
  #columns: readonly Column[] | null = null;
  #numbers: ReadonlyMap<string, number> | null = null;

  /** @param message the whole RowDescription, not shared with a socket */
  constructor(message: Buffer) {
    this.#message = message;
  }

  /** The whole RowDescription, which nobody may write into. */
  get description(): Buffer {
    return this.#message;
  }

  get columns(): readonly Column[] {
    this.#columns ??= Object.freeze(this.#read().map(toColumn));
    return this.#columns;
  }

  /** Number of the first column of that name; -1 when there is none. */
  number(name: string): number {
    if (this.#numbers === null) {
      const numbers = new Map<string, number>();
      for (const [number, column] of this.columns.entries()) {
        if (!numbers.has(column.name)) numbers.set(column.name, number);
      }
      this.#numbers = numbers;
    }
    return this.#numbers.get(name) ?? -1;
  }

  #read(): readonly RowField[] {
    return backendKinds.RowDescription.at(new MessageSource(this.#message, true), 0, this.#message.length).fields;
  }
}

function toColumn({ name, typeOid, format }: RowField): Column {
  return Object.freeze({ name, typeOid, format });
}
