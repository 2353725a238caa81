import { GatewayDError } from '../errors.ts';
import { protocolErrors } from './errors.ts';

/** Writes messages one after the other into a buffer that grows. */
export class BodyWriter {
  #bytes: Buffer;
  #length = 0;
  #start = 0;
  #name = '';

  constructor(capacity = 256) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Begins a message; `end` fills in its length. */
  begin(name: string, type: number): void {
    this.#name = name;
    this.#start = this.#length;
    this.byte(type);
    this.int32(0);
  }

  end(): void {
    this.#bytes.writeInt32BE(this.#length - this.#start - 1, this.#start + 1);
  }

  /** Everything written; the writer is not used after it. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    const position = this.#reserve(1);
    this.#bytes[position] = value;
  }

  uint16(value: number): void {
    if (!(value >= 0 && value <= 0xffff)) throw this.unfit(`${value} is not from 0 to 65535`);
    const position = this.#reserve(2);
    this.#bytes.writeUInt16BE(value, position);
  }

  int16(value: number): void {
    if (!(value >= -0x8000 && value < 0x8000)) throw this.unfit(`${value} does not fit 16 bits`);
    const position = this.#reserve(2);
    this.#bytes.writeInt16BE(value, position);
  }

  int32(value: number): void {
    if (!(value >= -0x80000000 && value < 0x80000000)) throw this.unfit(`${value} does not fit 32 bits`);
    const position = this.#reserve(4);
    this.#bytes.writeInt32BE(value, position);
  }

  uint32(value: number): void {
    if (!(value >= 0 && value < 0x100000000)) throw this.unfit(`${value} does not fit 32 bits`);
    const position = this.#reserve(4);
    this.#bytes.writeUInt32BE(value, position);
  }

  /** A string and the NUL that ends it. */
  text(value: string): void {
    if (value.includes('\0')) throw this.unfit('a string has a NUL in it');
    this.utf8(value);
    this.byte(0);
  }

  /** A string without an end of its own. */
  utf8(value: string): void {
    this.#utf8(value, Buffer.byteLength(value));
  }

  bytes(value: Uint8Array): void {
    const position = this.#reserve(value.length);
    this.#bytes.set(value, position);
  }

  /** Part of other bytes. */
  copy(from: Buffer, start: number, end: number): void {
    const position = this.#reserve(end - start);
    const bytes = this.#bytes;
    // Most values are short, and to leave JavaScript costs more than to copy them.
    if (end - start > 64) from.copy(bytes, position, start, end);
    else for (let offset = 0; offset < end - start; offset++) bytes[position + offset] = from[start + offset] ?? 0;
  }

  /** A value with its length before it; NULL is a length of -1. */
  value(value: Uint8Array | string | null): void {
    if (value === null) return this.int32(-1);
    const length = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
    this.int32(length);
    if (typeof value === 'string') this.#utf8(value, length);
    else this.bytes(value);
  }

  unfit(reason: string): GatewayDError {
    return new GatewayDError(protocolErrors.PROTOCOL_BAD_VALUE, { name: this.#name, reason });
  }

  #utf8(value: string, length: number): void {
    const position = this.#reserve(length);
    this.#bytes.write(value, position, length, 'utf8');
  }

  /** Makes room, for which the buffer may be another one after. */
  #reserve(length: number): number {
    const position = this.#length;
    const needed = position + length;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, position);
      this.#bytes = grown;
    }
    this.#length = needed;
    return position;
  }
}
