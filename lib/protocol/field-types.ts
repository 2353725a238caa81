import type { BodyReader } from './body-reader.ts';
import type { BodyWriter } from './body-writer.ts';
import { encodeErrorFields, parseErrorFields, type ErrorFields } from './error-response.ts';

/** How one field of a message is read and written. */
export interface FieldType<Read, Written = Read> {
  read(from: BodyReader): Read;
  write(to: BodyWriter, value: Written): void;
  /** What is read can be changed in place: it is read anew, from a copy, each time it is asked for. */
  readonly mutable?: true;
}

/** A value as a message carries it: null for NULL. */
export type Value = Buffer | null;
/** What a value can be made of; a string is encoded as UTF-8. */
export type NewValue = Uint8Array | string | null;
export type Format = 'text' | 'binary';

export const int16: FieldType<number> = {
  read: (from) => from.int16(),
  write: (to, value) => to.int16(value),
};

export const int32: FieldType<number> = {
  read: (from) => from.int32(),
  write: (to, value) => to.int32(value),
};

/** An object identifier, and anything else of 32 bits that has no sign. */
export const oid: FieldType<number> = {
  read: (from) => from.uint32(),
  write: (to, value) => to.uint32(value),
};

export const text: FieldType<string> = {
  read: (from) => from.text(),
  write: (to, value) => to.text(value),
};

/** One byte that is a letter. */
export function letter<L extends string>(...letters: readonly L[]): FieldType<L> {
  return {
    read(from) {
      const read = String.fromCharCode(from.byte());
      const known = letters.find((each) => each === read);
      if (known === undefined) throw from.malformed(`${JSON.stringify(read)} is not one of ${letters.join(', ')}`);
      return known;
    },
    write(to, value) {
      if (!letters.includes(value)) throw to.unfit(`${JSON.stringify(value)} is not one of ${letters.join(', ')}`);
      to.byte(value.charCodeAt(0));
    },
  };
}

export const format: FieldType<Format> = {
  read(from) {
    const read = from.int16();
    if (read !== 0 && read !== 1) throw from.malformed(`${read} is not a format`);
    return read === 0 ? 'text' : 'binary';
  },
  write: (to, value) => to.int16(value === 'binary' ? 1 : 0),
};

/** A format in one byte, as the responses that begin a COPY have it for the whole. */
export const wholeFormat: FieldType<Format> = {
  read(from) {
    const read = from.byte();
    if (read > 1) throw from.malformed(`${read} is not a format`);
    return read === 0 ? 'text' : 'binary';
  },
  write: (to, written) => to.byte(written === 'binary' ? 1 : 0),
};

/** A count of 16 bits, then so many of one type. */
export function list<T>(of: FieldType<T>): FieldType<readonly T[]> {
  return {
    read(from) {
      const read: T[] = [];
      for (let left = from.uint16(); left > 0; left--) read.push(of.read(from));
      return read;
    },
    write(to, values) {
      to.uint16(values.length);
      for (const value of values) of.write(to, value);
    },
  };
}

/** A count of 32 bits, then so many strings. */
export const longTextList: FieldType<readonly string[]> = {
  read(from) {
    const read: string[] = [];
    for (let left = from.int32(); left > 0; left--) read.push(from.text());
    return read;
  },
  write(to, values) {
    to.int32(values.length);
    for (const value of values) to.text(value);
  },
};

export const value: FieldType<Value, NewValue> = {
  mutable: true,
  read(from) {
    const length = from.int32();
    return length === -1 ? null : from.bytes(length);
  },
  write: (to, written) => to.value(written),
};

export const values: FieldType<readonly Value[], readonly NewValue[]> = {
  mutable: true,
  read(from) {
    const read: Value[] = [];
    for (let left = from.uint16(); left > 0; left--) read.push(value.read(from));
    return read;
  },
  write(to, written) {
    to.uint16(written.length);
    for (const each of written) to.value(each);
  },
};

/** All that is left of the message. */
export const rest: FieldType<Buffer, Uint8Array | string> = {
  mutable: true,
  read: (from) => from.rest(),
  write: (to, written) => (typeof written === 'string' ? to.utf8(written) : to.bytes(written)),
};

export const errorFields: FieldType<ErrorFields> = {
  read: (from) => Object.freeze(parseErrorFields(from.rest())),
  write: (to, fields) => to.bytes(encodeErrorFields(fields)),
};

/** Several fields in a row. */
export function record<R extends object>(fields: { readonly [K in keyof R]-?: FieldType<R[K]> }): FieldType<R> {
  const entries = Object.entries(fields) as [keyof R, FieldType<R[keyof R]>][];
  return {
    read: (from) => Object.freeze(Object.fromEntries(entries.map(([key, type]) => [key, type.read(from)]))) as R,
    write(to, written) {
      for (const [key, type] of entries) type.write(to, written[key]);
    },
  };
}
