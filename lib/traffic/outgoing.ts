import { added } from './added.ts';

const nothing: readonly Buffer[] = [];

/** Collects what is sent of buffers that were read: parts of them as they are, and bytes between. */
export class Outgoing {
  #pieces: Buffer[] | null = null;
  #buffer: Buffer | null = null;
  #start = 0;
  #end = 0;

  /** Number of the piece that is being collected. */
  get piece(): number {
    return this.#pieces?.length ?? 0;
  }

  /** Where that piece begins in its buffer. */
  get pieceStart(): number {
    return this.#start;
  }

  /** Part of a buffer. Parts that follow each other become one. */
  keep(buffer: Buffer, start: number, end: number): void {
    if (buffer !== this.#buffer || start !== this.#end) {
      this.#flush();
      this.#buffer = buffer;
      this.#start = start;
    }
    this.#end = end;
  }

  /** Bytes of our own. */
  put(bytes: Buffer): void {
    this.#flush();
    this.#pieces = added(this.#pieces, bytes);
  }

  /**
   * Gives what was collected; what follows is collected anew.
   * @param taken the buffers that were read: the same list is given where all of them were kept, and nothing else
   */
  finish(taken = nothing): readonly Buffer[] {
    if (this.#pieces === null && taken.length === 1 && this.#holdsAllOf(taken[0] as Buffer)) {
      this.#buffer = null;
      this.#start = 0;
      this.#end = 0;
      return taken;
    }
    this.#flush();
    const pieces = this.#pieces ?? nothing;
    this.#pieces = null;
    return pieces;
  }

  #holdsAllOf(buffer: Buffer): boolean {
    return buffer === this.#buffer && this.#start === 0 && this.#end === buffer.length;
  }

  #flush(): void {
    const buffer = this.#buffer;
    if (buffer === null || this.#end === this.#start) return;
    const whole = this.#start === 0 && this.#end === buffer.length;
    this.#pieces = added(this.#pieces, whole ? buffer : buffer.subarray(this.#start, this.#end));
    this.#buffer = null;
    this.#start = 0;
    this.#end = 0;
  }
}
