import { BodyReader } from './body-reader.ts';
import { BodyWriter } from './body-writer.ts';
import type { FieldType } from './field-types.ts';
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

let bytesOf: (message: ProtocolMessage) => Buffer;
let sourceOf: (message: ProtocolMessage) => MessageSource;
let startOf: (message: ProtocolMessage) => number;
let endOf: (message: ProtocolMessage) => number;
let fieldsOf: (message: ProtocolMessage, kind: MessageKind) => Readonly<Record<string, unknown>>;

/** Where a message lies, and its fields once they are read. */
interface Range {
  readonly source: MessageSource;
  readonly start: number;
  readonly end: number;
  fields: Readonly<Record<string, unknown>> | null;
}

/**
 * A message is a range of bytes; its fields are read from them when they are asked for. All it knows is in one object,
 * which is of the same shape for messages of all kinds: with a private field for each, making one takes twice the time.
 */
export class ProtocolMessage {
  readonly #range: Range;

  static {
    bytesOf = (message) => {
      const { source, start, end } = message.#range;
      return source.bytes.subarray(start, end);
    };
    sourceOf = (message) => message.#range.source;
    startOf = (message) => message.#range.start;
    endOf = (message) => message.#range.end;
    fieldsOf = (message, kind) => (message.#range.fields ??= kind.readFields(message));
  }

  constructor(source: MessageSource, start: number, end: number) {
    this.#range = { source, start, end, fields: null };
  }

  get bytes(): Buffer {
    return Buffer.from(bytesOf(this));
  }
}

/** Whether `value` was made here: an object that looks like a message was not. */
export function isMessage(value: unknown): value is ProtocolMessage {
  return value instanceof ProtocolMessage;
}

/** The bytes of a message, sharing memory with it. Not for plugins: to write into them would change the traffic. */
export function wireBytes(message: ProtocolMessage): Buffer {
  return bytesOf(message);
}

/** Where a message's bytes lie. */
export const messageSource = (message: ProtocolMessage): MessageSource => sourceOf(message);
export const messageStart = (message: ProtocolMessage): number => startOf(message);
export const messageEnd = (message: ProtocolMessage): number => endOf(message);

type MessageClass = new (source: MessageSource, start: number, end: number) => ProtocolMessage;

/** One kind of message: its name, its type byte and the layout of its body. */
export class MessageKind<M extends MessageBase<string> = MessageBase<string>> {
  readonly name: M['name'];
  readonly type: number;
  readonly #layout: readonly (readonly [string, FieldType<unknown>])[];
  readonly #class: MessageClass;

  constructor(name: M['name'], type: number, layout: Layout<M>) {
    this.name = name;
    this.type = type;
    this.#layout = Object.entries<FieldType<unknown>>(layout as Record<string, FieldType<unknown>>);
    this.#class = this.#defineClass();
  }

  /** The message whose bytes, type byte included, are this range of the source. Nothing is read before it is asked for. */
  at(source: MessageSource, start: number, end: number): M {
    return new this.#class(source, start, end) as unknown as M;
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
  readFields(message: ProtocolMessage): Readonly<Record<string, unknown>> {
    const read: Record<string, unknown> = {};
    const from = this.#reader(message);
    for (const [field, type] of this.#layout) {
      const value = type.read(from);
      if (type.mutable !== true) read[field] = Array.isArray(value) ? Object.freeze(value) : value;
    }
    return read;
  }

  /** Reads one field anew, from a copy of the message. */
  #readField(message: ProtocolMessage, wanted: string): unknown {
    const from = this.#reader(message, true);
    for (const [field, type] of this.#layout) {
      const value = type.read(from);
      if (field === wanted) return value;
    }
    return undefined;
  }

  /** The body where it lies, or in a copy. */
  #reader(message: ProtocolMessage, copy = false): BodyReader {
    const { bytes } = sourceOf(message);
    const start = startOf(message) + 5;
    const end = endOf(message);
    if (!copy) return new BodyReader(this.name, bytes, start, end);
    const copied = Buffer.allocUnsafe(end - start);
    bytes.copy(copied, 0, start, end);
    return new BodyReader(this.name, copied, 0, copied.length);
  }

  #defineClass(): MessageClass {
    class Message extends ProtocolMessage {}
    Object.defineProperty(Message.prototype, 'name', { value: this.name, enumerable: true });
    for (const [field, type] of this.#layout) {
      const kind = this as unknown as MessageKind;
      const read =
        type.mutable === true
          ? (message: ProtocolMessage): unknown => this.#readField(message, field)
          : (message: ProtocolMessage): unknown => fieldsOf(message, kind)[field];
      Object.defineProperty(Message.prototype, field, {
        enumerable: true,
        get(this: ProtocolMessage) {
          return read(this);
        },
      });
    }
    return Message;
  }
}
