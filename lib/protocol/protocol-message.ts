import { BodyReader } from './body-reader.ts';
import { BodyWriter } from './body-writer.ts';
import type { FieldType } from './field-types.ts';
import { defineMessageClass, type Fields, type MessageClass } from './message-class.ts';
import { MessageSource } from './message-source.ts';

/** What every message has. */
export interface MessageBase<Name extends string> {
  /** PostgreSQL's name for it. */
  readonly name: Name;
  /** The whole message as it is on the wire, type byte and length included: a copy, made at each reading. */
  readonly bytes: Buffer;
}

/** The fields of a message, without what every message has. */
export type FieldsOf<M> = Omit<M, 'name' | 'bytes'>;

/** The layout of a message's body: its fields in the order they have on the wire. */
type Layout<M> = { readonly [K in keyof FieldsOf<M>]-?: FieldType<M[K & keyof M]> };

/** What the fields of a new message may be given as. */
export type NewFields<M> = {
  readonly [K in keyof FieldsOf<M>]: M[K & keyof M] extends infer V
    ? V extends readonly (Buffer | null)[]
      ? readonly (Uint8Array | string | null)[]
      : V extends Buffer
        ? Uint8Array | string
        : V
    : never;
};

/** The classes there are, by their prototypes. */
const classes = new Map<object, MessageClass>();

/** Any message: a range of bytes, of which its fields are read when they are asked for. */
type AnyMessage = MessageBase<string>;

function classOf(message: object): MessageClass {
  const found = classes.get(Object.getPrototypeOf(message) as object);
  if (found === undefined) throw new TypeError('not a message');
  return found;
}

/** Whether `value` was made here: an object that looks like a message was not. */
export function isMessage(value: unknown): value is AnyMessage {
  if (typeof value !== 'object' || value === null) return false;
  return classes.get(Object.getPrototypeOf(value) as object)?.isMade(value) === true;
}

/** The bytes of a message, sharing memory with it. Not for plugins: to write into them would change the traffic. */
export function wireBytes(message: AnyMessage): Buffer {
  const { sourceOf, startOf, endOf } = classOf(message);
  return sourceOf(message).bytes.subarray(startOf(message), endOf(message));
}

/** Where a message's bytes lie. */
export const messageSource = (message: AnyMessage): MessageSource => classOf(message).sourceOf(message);
export const messageStart = (message: AnyMessage): number => classOf(message).startOf(message);
export const messageEnd = (message: AnyMessage): number => classOf(message).endOf(message);

type Make = MessageClass['make'];

/** One kind of message: its name, its type byte and the layout of its body. */
export class MessageKind<M extends MessageBase<string> = MessageBase<string>> {
  readonly name: M['name'];
  readonly type: number;
  readonly #layout: readonly (readonly [string, FieldType<unknown>])[];
  /** Null before the first message: many kinds are never seen. */
  #make: Make | null = null;

  constructor(name: M['name'], type: number, layout: Layout<M>) {
    this.name = name;
    this.type = type;
    this.#layout = Object.entries<FieldType<unknown>>(layout as Record<string, FieldType<unknown>>);
  }

  /** The message whose bytes, type byte included, are this range of the source. Nothing is read before it is asked for. */
  at(source: MessageSource, start: number, end: number): M {
    return (this.#make ??= this.#define())(source, start, end) as M;
  }

  /** @throws {GatewayDError} PROTOCOL_BAD_VALUE */
  make(fields: NewFields<M>): M {
    const to = new BodyWriter();
    this.write(to, fields);
    const bytes = to.finish();
    return this.at(new MessageSource(bytes, true), 0, bytes.length);
  }

  /** Writes a message behind others. */
  write(to: BodyWriter, fields: NewFields<M>): void {
    to.begin(this.name, this.type);
    for (const [field, type] of this.#layout) type.write(to, (fields as Record<string, unknown>)[field]);
    to.end();
  }

  /** Reads all fields but those whose values could be changed in place. */
  #readFields(message: AnyMessage): Fields {
    const read: Record<string, unknown> = {};
    const from = this.#reader(message);
    for (const [field, type] of this.#layout) {
      const value = type.read(from);
      if (type.mutable !== true) read[field] = Array.isArray(value) ? Object.freeze(value) : value;
    }
    return read;
  }

  /** Reads one field anew, from a copy of the message. */
  #readField(message: AnyMessage, wanted: string): unknown {
    const from = this.#reader(message, true);
    for (const [field, type] of this.#layout) {
      const value = type.read(from);
      if (field === wanted) return value;
    }
    return undefined;
  }

  /** The body where it lies, or in a copy. */
  #reader(message: AnyMessage, copy = false): BodyReader {
    const { bytes } = messageSource(message);
    const start = messageStart(message) + 5;
    const end = messageEnd(message);
    if (!copy) return new BodyReader(this.name, bytes, start, end);
    const copied = Buffer.allocUnsafe(end - start);
    bytes.copy(copied, 0, start, end);
    return new BodyReader(this.name, copied, 0, copied.length);
  }

  #define(): Make {
    const made = defineMessageClass(this.name);
    const { prototype, make, fieldsOf, keepFields } = made;
    classes.set(prototype, made);
    const define = (property: string, get: (message: AnyMessage) => unknown): void => {
      Object.defineProperty(prototype, property, {
        enumerable: true,
        get(this: AnyMessage) {
          return get(this);
        },
      });
    };
    Object.defineProperty(prototype, 'name', { value: this.name, enumerable: true });
    define('bytes', (message) => Buffer.from(wireBytes(message)));
    for (const [field, type] of this.#layout) {
      if (type.mutable === true) define(field, (message) => this.#readField(message, field));
      else define(field, (message) => (fieldsOf(message) ?? keepFields(message, this.#readFields(message)))[field]);
    }
    return make;
  }
}
