import type { Duplex } from 'node:stream';

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

/** Reading from one socket, which any of several reasons can hold up. */
export class Intake {
  readonly #socket: Duplex;
  #reasons = 0;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  hold(reason: HoldReason): void {
    if (this.#reasons === 0) this.#socket.pause();
    this.#reasons |= reason;
  }

  /** Reads on when this was the last reason. */
  release(reason: HoldReason): void {
    if (this.#reasons === 0) return;
    this.#reasons &= ~reason;
    if (this.#reasons === 0) this.#socket.resume();
  }
}
