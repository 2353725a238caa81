import type { Duplex } from 'node:stream';
import { readStartupPacket, type StartupPacket } from '../protocol/startup.ts';
import { violation } from './violation.ts';

/** How much a client may send ahead of its turn before it is no longer read from. */
const longestBacklog = 65_536;

/** A packet with the bytes it was read from. */
export interface StartupBytes {
  readonly packet: StartupPacket;
  readonly bytes: Buffer;
}

/**
 * Reads a client's packets while it has no database, and goes on reading while it waits for one, so that a client
 * that goes away is noticed.
 */
export class StartupReader {
  readonly #socket: Duplex;
  readonly #onEnded: () => void;
  readonly #onGone: () => void;
  #backlog: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | null = null;

  /**
   * @param onEnded called when the client will send nothing more and may still read, unless that is after `detach`
   * @param onGone called when the connection is gone, unless that is after `detach`
   */
  constructor(socket: Duplex, onEnded: () => void, onGone: () => void) {
    this.#socket = socket;
    this.#onEnded = onEnded;
    this.#onGone = onGone;
    socket.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
  }

  /** Whether the client will send nothing more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** How many bytes have come that nobody asked for yet. */
  get pending(): number {
    return this.#backlog.length;
  }

  /** The first byte of what comes next, which stays there; undefined when the client ends its side before it. */
  async first(): Promise<number | undefined> {
    while (this.#backlog.length === 0 && !this.#ended) await this.#more();
    return this.#backlog[0];
  }

  /**
   * Gives the next packet; null when the client ends its side before it.
   * @throws {GatewayDError} PROTOCOL_BAD_STARTUP, PROTOCOL_UNSUPPORTED_VERSION
   */
  async next(): Promise<StartupBytes | null> {
    for (;;) {
      const read = readStartupPacket(this.#backlog);
      if (read !== null) {
        const bytes = this.#backlog.subarray(0, read.length);
        this.#backlog = this.#backlog.subarray(read.length);
        return { packet: read.packet, bytes };
      }
      if (this.#ended) return null;
      await this.#more();
    }
  }

  /**
   * Gives the body of the next message with a type byte; null when the client ends its side before it.
   * @param type what it must be
   * @param limit bytes of the longest body
   * @throws {GatewayDError} NETWORK_PROTOCOL_VIOLATION for another message, or a longer one
   */
  async nextMessage(type: number, limit: number): Promise<Buffer | null> {
    for (;;) {
      const bytes = this.#backlog;
      if (bytes.length > 0 && bytes[0] !== type) throw violation('a message out of turn');
      const length = bytes.length < 5 ? 4 : bytes.readInt32BE(1);
      if (length < 4 || length - 4 > limit) throw violation(`a message of ${length} bytes`);
      if (bytes.length > length) {
        this.#backlog = bytes.subarray(length + 1);
        return bytes.subarray(5, length + 1);
      }
      if (this.#ended) return null;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Stops to read, leaves the socket paused, and gives what nobody asked for. */
  detach(): Buffer {
    this.#socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    this.#socket.pause();
    return this.#backlog;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#backlog = this.#backlog.length === 0 ? chunk : Buffer.concat([this.#backlog, chunk]);
    // That such a client goes away is noticed late; the login timeout bounds it.
    if (this.#backlog.length > longestBacklog) this.#socket.pause();
    this.#continue();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#continue();
    this.#onEnded();
  };

  readonly #onClose = (): void => {
    this.#ended = true;
    this.#continue();
    this.#onGone();
  };

  #more(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #continue(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
