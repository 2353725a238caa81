import { GatewayDError } from '../errors.ts';
import { protocolErrors } from './errors.ts';
import { int32At } from './int32-at.ts';

/**
 * Checks what a message says its length is, which counts the length word and not the type byte.
 * @throws {GatewayDError} PROTOCOL_BAD_LENGTH
 */
export function checkLength(type: number, length: number): void {
  if (length < 4) throw new GatewayDError(protocolErrors.PROTOCOL_BAD_LENGTH, { type: typeName(type), length });
}

function typeName(type: number): string {
  return type > 0x20 && type < 0x7f ? `'${String.fromCharCode(type)}'` : `0x${type.toString(16).padStart(2, '0')}`;
}

export interface FrameScannerOptions {
  /** Type bytes of the messages whose `body` is wanted also when it is split between chunks. */
  readonly collect?: readonly number[];
  /** At most so many bytes of a split body are kept; the rest is passed over. */
  readonly collectLimit?: number;
}

const nothing = Buffer.alloc(0);

/**
 * Finds the typed messages of one direction in chunks that are split anywhere, without copying or keeping them: a
 * message of a gigabyte costs as much as one of five bytes.
 *
 *     scanner.feed(chunk);
 *     while (scanner.next()) if (scanner.type === BackendCode.ReadyForQuery) status = transactionStatus(scanner.firstByte);
 *
 * `next` reports each message once, in the chunk that holds its last byte.
 */
export class FrameScanner {
  /** Type byte of the message `next` reported; when that returned false, of the unfinished one, or 0. */
  type = 0;
  /** Bytes of that message altogether: type byte, length word and body. 0 while the length is not known. */
  length = 0;
  /** Where that message starts in the chunk; negative when it began in an earlier one. */
  start = 0;
  /** Where it ends in the chunk, exclusive. */
  end = 0;

  readonly #collected: readonly number[];
  readonly #collectLimit: number;
  /** Of a split message; made when there is one. */
  #header: Buffer | null = null;
  #chunk: Buffer = nothing;
  #position = 0;
  /** Bytes of the unfinished message taken so far. */
  #taken = 0;
  /** Room for the wanted body of a split message, and how much of it is there. */
  #split: Buffer = nothing;
  #splitLength = 0;

  constructor(options: FrameScannerOptions = {}) {
    this.#collected = options.collect ?? [];
    this.#collectLimit = options.collectLimit ?? 4096;
  }

  /** True when every message so far is whole: other bytes may be put between. */
  get atBoundary(): boolean {
    return this.#taken === 0;
  }

  /** Takes the next chunk; call `next` until it returns false before feeding another. */
  feed(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#position = 0;
  }

  /**
   * Goes to the end of the next message; false when the chunk has no further end.
   * @throws {GatewayDError} PROTOCOL_BAD_LENGTH
   */
  next(): boolean {
    if (this.#taken > 0) return this.#resume();
    const chunk = this.#chunk;
    const start = this.#position;
    if (chunk.length - start < 5) return this.#begin(start);
    const size = int32At(chunk, start + 1);
    const end = start + 1 + size;
    if (size < 4 || end > chunk.length) return this.#begin(start);
    this.type = chunk[start] as number;
    this.length = size + 1;
    this.start = start;
    this.end = end;
    this.#position = end;
    return true;
  }

  /** Forgets the unfinished message, of which the caller kept all bytes from `start` on and will feed them again. */
  forgetUnfinished(): void {
    this.#taken = 0;
    this.length = 0;
  }

  /**
   * The body of the message `next` just reported, without type byte and length word. Of a message that lay in one
   * chunk it is a part of that chunk; of a split one it is there only for the types to `collect`, up to the limit,
   * and empty for the others.
   */
  get body(): Buffer {
    if (this.start >= 0) return this.#chunk.subarray(this.start + 5, this.end);
    return this.#split.subarray(0, this.#splitLength);
  }

  /** The first byte of `body`, for which no view has to be made; undefined where that is empty. */
  get firstByte(): number | undefined {
    if (this.start < 0) return this.#splitLength > 0 ? this.#split[0] : undefined;
    return this.length > 5 ? this.#chunk[this.start + 5] : undefined;
  }

  /** Whether `body` is all of the body. */
  get bodyIsWhole(): boolean {
    return this.start >= 0 || this.#splitLength === this.length - 5;
  }

  /** The chunk ends within the message that starts here, or right before it. */
  #begin(start: number): boolean {
    this.type = 0;
    this.length = 0;
    this.start = start;
    this.end = start;
    return start < this.#chunk.length && this.#resume();
  }

  #resume(): boolean {
    const chunk = this.#chunk;
    if (this.#taken < 5 && !this.#takeHeader()) return false;
    const from = this.#position;
    const end = from + this.length - this.#taken;
    const to = Math.min(end, chunk.length);
    if (this.#splitLength < this.#split.length)
      this.#splitLength += chunk.copy(this.#split, this.#splitLength, from, to);
    this.#taken += to - from;
    this.#position = to;
    if (end > chunk.length) return false;
    this.start = end - this.length;
    this.end = end;
    this.#taken = 0;
    return true;
  }

  #takeHeader(): boolean {
    const header = (this.#header ??= Buffer.alloc(5));
    const taken = this.#chunk.copy(header, this.#taken, this.#position);
    this.#taken += taken;
    this.#position += taken;
    this.type = header.readUInt8(0);
    if (this.#taken < 5) return false;
    const size = header.readInt32BE(1);
    checkLength(this.type, size);
    this.length = size + 1;
    const wanted = this.#collected.includes(this.type) ? Math.min(size - 4, this.#collectLimit) : 0;
    this.#split = wanted > 0 ? Buffer.allocUnsafe(wanted) : nothing;
    this.#splitLength = 0;
    return true;
  }
}
