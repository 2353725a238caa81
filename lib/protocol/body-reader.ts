import { GatewayDError } from '../errors.ts';
import { protocolErrors } from './errors.ts';

/** Reads the fields of one message's body, in order, never past its end. */
export class BodyReader {
  readonly #name: string;
  readonly #bytes: Buffer;
  readonly #end: number;
  #position: number;

  /** @param name the message's name, for errors */
  constructor(name: string, bytes: Buffer, start: number, end: number) {
    this.#name = name;
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#advance(2));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  /** A string that a NUL ends. */
  text(): string {
    const start = this.#position;
    const end = this.#bytes.indexOf(0, start);
    if (end === -1 || end >= this.#end) throw this.malformed('a string has no end');
    this.#position = end + 1;
    return this.#bytes.toString('utf8', start, end);
  }

  /** So many bytes; they share memory with the message. */
  bytes(length: number): Buffer {
    if (length < 0) throw this.malformed('a value has a negative length');
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** All bytes that are left; they share memory with the message. */
  rest(): Buffer {
    return this.bytes(this.#end - this.#position);
  }

  malformed(reason: string): GatewayDError {
    return new GatewayDError(protocolErrors.PROTOCOL_BAD_MESSAGE, { name: this.#name, reason });
  }

  #advance(length: number): number {
    const start = this.#position;
    if (start + length > this.#end) throw this.malformed('it ends within a field');
    this.#position = start + length;
    return start;
  }
}
