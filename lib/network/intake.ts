import type { Socket } from 'node:net';
import type { DirectSocket } from './direct-socket.ts';

/** Why nothing is read from a socket for now. */
export const Hold = {
  /** What was read last does not fit into the other side's socket yet. */
  SinkFull: 1,
  /** What was read last is with the plugins. */
  Busy: 2,
  /** The session is not open yet. */
  Gate: 4,
  /** The client does not read the answers it was given in the database's place. */
  AnswersUnread: 8,
} as const;

type HoldReason = (typeof Hold)[keyof typeof Hold];

/** How long a socket may be held up before it is found out whether anybody is there, in milliseconds. */
const listenAfter = 500;

const nothing = Buffer.alloc(0);

/** Reading from one socket, which any of several reasons can hold up. */
export class Intake {
  readonly #socket: Socket;
  readonly #direct: DirectSocket | null;
  #isDirect = false;
  #reasons = 0;
  #listening: NodeJS.Timeout | undefined;
  /** Who is told in the place of a stream that had come to its end before. */
  #audience: { readonly onBytes: (bytes: Buffer) => void; readonly onEnd: () => void } | null = null;
  #unread: Buffer = nothing;

  constructor(socket: Socket, direct: DirectSocket | null) {
    this.#socket = socket;
    this.#direct = direct;
  }

  /**
   * To be called while the stream flows: gives the bytes that come from now on to `onBytes` and not to the stream, where
   * that can be, and nothing waits in the stream. They change when it returns.
   */
  readDirectly(onBytes: (bytes: Buffer) => void): void {
    if (this.#direct === null || this.#isDirect || this.#reasons !== 0 || this.#socket.readableLength > 0) return;
    if (this.#socket.destroyed || this.#socket.readableEnded) return;
    this.#isDirect = true;
    this.#direct.read(onBytes);
  }

  /** Where the stream has ended already, and says nothing any more: tells the same as it would have told from now on. */
  replayTo(onBytes: (bytes: Buffer) => void, onEnd: () => void): void {
    if (!this.#socket.readableEnded) return;
    this.#audience = { onBytes, onEnd };
    this.#replaySoon();
  }

  /** Bytes that were read before their time: they come again before all else. */
  giveBack(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#audience === null) this.#socket.unshift(bytes);
    else this.#unread = bytes;
  }

  /** Leaves the socket a stream. */
  detach(): void {
    this.#audience = null;
    clearTimeout(this.#listening);
    this.#direct?.release();
  }

  hold(reason: HoldReason): void {
    if (this.#reasons === 0) {
      this.#socket.pause();
      if (this.#isDirect) this.#listening = setTimeout(() => this.#listen(), listenAfter);
    }
    this.#reasons |= reason;
  }

  /** A socket that nothing is read from does not say that it is gone: the stream reads the little that it takes while paused. */
  #listen(): void {
    if (this.#socket.destroyed) return;
    this.#isDirect = false;
    this.#direct?.readIntoStream();
  }

  /** Reads on when this was the last reason. */
  release(reason: HoldReason): void {
    if (this.#reasons === 0) return;
    this.#reasons &= ~reason;
    if (this.#reasons !== 0) return;
    clearTimeout(this.#listening);
    this.#socket.resume();
    if (this.#audience !== null) this.#replaySoon();
  }

  #replaySoon(): void {
    process.nextTick(() => this.#replay());
  }

  #replay(): void {
    if (this.#audience === null || this.#reasons !== 0) return;
    const { onBytes, onEnd } = this.#audience;
    const bytes = this.#unread;
    if (bytes.length === 0) {
      this.#audience = null;
      return onEnd();
    }
    this.#unread = nothing;
    onBytes(bytes);
    this.#replaySoon();
  }
}
