import type { MessageSource } from './message-source.ts';

/** The fields of a message once they are read. */
export type Fields = Readonly<Record<string, unknown>>;

/** Makes the messages of one kind, and alone can look into them. */
export interface MessageClass {
  readonly prototype: object;
  readonly make: (source: MessageSource, start: number, end: number) => object;
  /** Whether `make` made it. */
  readonly isMade: (value: object) => boolean;
  readonly sourceOf: (message: object) => MessageSource;
  readonly startOf: (message: object) => number;
  readonly endOf: (message: object) => number;
  readonly fieldsOf: (message: object) => Fields | null;
  readonly keepFields: (message: object, fields: Fields) => Fields;
}

/**
 * A class for the messages of one kind. It is compiled from a text of its own: what V8 learns of a piece of code it
 * learns of all classes that this code makes, and with more than four of them it takes three times as long to make a
 * message. Whoever has a message cannot make others of bytes of his own: its `constructor` only has the name.
 * @param name one of PostgreSQL's names
 */
export function defineMessageClass(name: string): MessageClass {
  // eslint-disable-next-line typescript/no-implied-eval, typescript/no-unsafe-call -- the text holds nothing but the name
  return new Function(`'use strict';
    let made;
    class ${name} {
      #source;
      #start;
      #end;
      #fields = null;
      constructor(source, start, end) {
        this.#source = source;
        this.#start = start;
        this.#end = end;
      }
      static {
        made = {
          prototype: ${name}.prototype,
          make: (source, start, end) => new ${name}(source, start, end),
          isMade: (value) => #source in value,
          sourceOf: (message) => message.#source,
          startOf: (message) => message.#start,
          endOf: (message) => message.#end,
          fieldsOf: (message) => message.#fields,
          keepFields: (message, fields) => (message.#fields = fields),
        };
      }
    }
    const shown = {
      ${name}: function () {
        throw new TypeError('Illegal constructor');
      },
    }.${name};
    shown.prototype = ${name}.prototype;
    Object.defineProperty(${name}.prototype, 'constructor', { value: shown, writable: false, configurable: false });
    return made;`)() as MessageClass;
}
