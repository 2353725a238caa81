import { GatewayDError } from '../errors.ts';
import { protocolErrors } from './errors.ts';
import { checkLength } from './frame-scanner.ts';
import { int32At } from './int32-at.ts';

const nothing = Buffer.alloc(0);
const none: readonly Buffer[] = [];

/** A message that is too large to be collected has begun. */
export interface LargeStart {
  /** Of the whole message, type byte and length word included. */
  readonly length: number;
  /** What came from its first byte on, which can go beyond its end. */
  readonly bytes: Buffer;
}

/**
 * Collects whole messages: gives those a chunk completes as one batch and keeps a copy of the unfinished one. Nothing
 * else is copied, and room for a message is made as its bytes come, not as its length promises.
 */
export class MessageReader {
  readonly #maxMessageSize: number;
  readonly #streamed: readonly number[];
  #large: LargeStart | null = null;
  #tail: Buffer = nothing;
  #tailLength = 0;
  /** Length of the unfinished message; 0 while it is not known. */
  #wanted = 0;

  /**
   * @param maxMessageSize of a whole message, type byte and length word included
   * @param streamed type bytes of the messages that may be larger: `takeLarge` gives their beginning
   */
  constructor(maxMessageSize: number, streamed: readonly number[] = []) {
    this.#maxMessageSize = maxMessageSize;
    this.#streamed = streamed;
  }

  /** True when no message is half received. */
  get atBoundary(): boolean {
    return this.#tailLength === 0;
  }

  /**
   * The whole messages there are now, each buffer a sequence of whole ones: the one that was unfinished, if this chunk
   * finishes it, and a part of the chunk itself. Where a large message begins, it stops: `takeLarge` is to be asked.
   * @throws {GatewayDError} PROTOCOL_BAD_LENGTH, PROTOCOL_MESSAGE_TOO_LARGE
   */
  read(chunk: Buffer): readonly Buffer[] {
    if (this.#tailLength > 0) return this.#readOn(chunk);
    const end = this.#wholeUntil(chunk, 0);
    if (end === chunk.length) return [chunk];
    this.#keepRest(chunk, end);
    return end > 0 ? [chunk.subarray(0, end)] : none;
  }

  /** The same where a message is unfinished. */
  #readOn(chunk: Buffer): readonly Buffer[] {
    const position = this.#finishTail(chunk);
    if (position === -1) return none;
    const finished = this.#tail.subarray(0, this.#tailLength);
    this.#tail = nothing;
    this.#tailLength = 0;
    this.#wanted = 0;
    const end = this.#wholeUntil(chunk, position);
    this.#keepRest(chunk, end);
    return end > position ? [finished, chunk.subarray(position, end)] : [finished];
  }

  #keepRest(chunk: Buffer, end: number): void {
    if (end < chunk.length && this.#large === null) this.#keep(chunk, end, chunk.length);
  }

  /** The large message at which the last `read` stopped. Its bytes are the caller's, up to its end; the next is read here. */
  takeLarge(): LargeStart | null {
    const large = this.#large;
    this.#large = null;
    return large;
  }

  #wholeUntil(chunk: Buffer, start: number): number {
    let position = start;
    while (chunk.length - position >= 5) {
      const length = this.#check(chunk[position] as number, int32At(chunk, position + 1));
      if (length > this.#maxMessageSize) this.#large = { length, bytes: chunk.subarray(position) };
      if (length > chunk.length - position || this.#large !== null) return position;
      position += length;
    }
    return position;
  }

  #check(type: number, size: number): number {
    if (size < 4) checkLength(type, size);
    const length = size + 1;
    if (length > this.#maxMessageSize && !this.#streamed.includes(type)) {
      throw new GatewayDError(protocolErrors.PROTOCOL_MESSAGE_TOO_LARGE, { length, limit: this.#maxMessageSize });
    }
    return length;
  }

  /** Where in the chunk the unfinished message ends; -1 when it goes on. */
  #finishTail(chunk: Buffer): number {
    let position = 0;
    if (this.#wanted === 0) {
      position = Math.min(Math.max(5 - this.#tailLength, 0), chunk.length);
      if (position > 0) this.#keep(chunk, 0, position);
      if (this.#tailLength < 5) return -1;
      const length = this.#check(this.#tail.readUInt8(0), this.#tail.readInt32BE(1));
      if (length > this.#maxMessageSize) return this.#beginLarge(length, chunk.subarray(position));
      this.#wanted = length;
    }
    const end = Math.min(position + this.#wanted - this.#tailLength, chunk.length);
    this.#keep(chunk, position, end);
    return this.#tailLength < this.#wanted ? -1 : end;
  }

  #beginLarge(length: number, rest: Buffer): -1 {
    this.#large = { length, bytes: Buffer.concat([this.#tail.subarray(0, this.#tailLength), rest]) };
    this.#tail = nothing;
    this.#tailLength = 0;
    return -1;
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    const needed = this.#tailLength + to - from;
    if (needed > this.#tail.length) {
      const doubled = Math.max(256, 2 * this.#tail.length);
      const grown = Buffer.allocUnsafe(
        Math.max(needed, this.#wanted === 0 ? doubled : Math.min(doubled, this.#wanted)),
      );
      this.#tail.copy(grown, 0, 0, this.#tailLength);
      this.#tail = grown;
    }
    chunk.copy(this.#tail, this.#tailLength, from, to);
    this.#tailLength = needed;
  }
}
