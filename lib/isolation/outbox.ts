import type { Packet } from './wire.ts';

/** Gathers the messages of a turn of the event loop into one packet: what costs is waking the other side up. */
export class Outbox<M> {
  readonly #send: (packet: Packet<M>) => void;
  readonly #unsent: (message: M, error: unknown) => void;
  #messages: M[] = [];
  #pieces: Buffer[] = [];
  #length = 0;
  #scheduled = false;

  /**
   * @param send throws where a message holds what cannot be cloned
   * @param unsent gets such a message; the others are sent without it
   */
  constructor(send: (packet: Packet<M>) => void, unsent: (message: M, error: unknown) => void) {
    this.#send = send;
    this.#unsent = unsent;
  }

  /** Bytes that wait to be sent. */
  get length(): number {
    return this.#length;
  }

  post(message: M): void {
    this.#messages.push(message);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flushLater);
  }

  /** Puts bytes, which must stay what they are until the turn ends, into the packet; gives where they begin in it. */
  bytes(pieces: readonly Buffer[]): number {
    const start = this.#length;
    for (const piece of pieces) {
      this.#pieces.push(piece);
      this.#length += piece.length;
    }
    return start;
  }

  /** Sends what there is. */
  flush(): void {
    if (this.#messages.length === 0) return;
    const bytes = new Uint8Array(this.#length);
    let start = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, start);
      start += piece.length;
    }
    const messages = this.#messages;
    this.#messages = [];
    this.#pieces = [];
    this.#length = 0;
    try {
      this.#send({ messages, bytes: bytes.buffer });
    } catch {
      for (const message of messages) this.#sendAlone(message, bytes);
    }
  }

  #sendAlone(message: M, bytes: Uint8Array): void {
    try {
      this.#send({ messages: [message], bytes: bytes.slice().buffer });
    } catch (error) {
      this.#unsent(message, error);
    }
  }

  readonly #flushLater = (): void => {
    this.#scheduled = false;
    this.flush();
  };
}
