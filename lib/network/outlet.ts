import type { Socket } from 'node:net';
import type { DirectSocket } from './direct-socket.ts';

/** Bytes written out of a buffer that is used again lie here; when the kernel does not take all, it gets a new one. */
let copies = Buffer.allocUnsafeSlow(65_536);
let views: Buffer[] = [];

function copyOf(bytes: Buffer): Buffer {
  const { length } = bytes;
  if (length > copies.length) return Buffer.from(bytes);
  copies.set(bytes);
  if (length > 1024) return copies.subarray(0, length);
  return (views[length] ??= copies.subarray(0, length));
}

/** Writing to one socket of a relay. */
export class Outlet {
  readonly #socket: Socket;
  readonly #direct: DirectSocket | null;
  /** Nothing waits in the stream, and nobody writes there but this. */
  #clear = false;

  constructor(socket: Socket, direct: DirectSocket | null) {
    this.#socket = socket;
    this.#direct = direct;
  }

  /** Whether the other side has bytes to take before it should be given more. */
  get full(): boolean {
    if (this.#direct !== null && this.#direct.pending > 0) return true;
    return this.#socket.writableNeedDrain && this.#socket.writableLength > 0;
  }

  /** Bytes that are not with the kernel yet. */
  get pending(): number {
    return (this.#direct?.pending ?? 0) + this.#socket.writableLength;
  }

  /**
   * @param borrowed whether the bytes change when this returns
   * @returns false when it is full, which ends with a 'drain' of the socket or the direct one's `onWritten`
   */
  write(bytes: Buffer, borrowed: boolean): boolean {
    const direct = this.#direct;
    if (direct === null || !(this.#clear ||= this.#isClear())) {
      const socket = this.#socket;
      // A chunk larger than the high-water mark makes write() say false even where the kernel took all of it at once.
      return socket.write(borrowed ? Buffer.from(bytes) : bytes) || socket.writableLength === 0;
    }
    if (!borrowed) return direct.write(bytes);
    const all = direct.write(copyOf(bytes));
    if (!all && bytes.length <= copies.length) {
      copies = Buffer.allocUnsafeSlow(copies.length);
      views = [];
    }
    return all;
  }

  /** Ends the stream behind what was written. */
  end(): void {
    this.#clear = false;
    this.#socket.end();
  }

  #isClear(): boolean {
    return this.#socket.writableLength === 0 && this.#socket.writable;
  }
}
