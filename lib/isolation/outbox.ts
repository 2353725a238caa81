import type { Packet } from './wire.ts';

/** Of so many calls the other side can have the first while the next are still gathered. */
const mostAtOnce = 32;

/** Gathers the messages of a turn of the event loop into one packet: what costs is waking the other side up. */
export class Outbox<M> {
  readonly #send: (packet: Packet<M>) => void;
  readonly #gathered: (numbers: Float64Array) => M;
  readonly #unsent: (message: M, error: unknown) => void;
  #messages: M[] = [];
  /** Of the message that is gathered from numbers, while nothing else is posted. */
  #numbers: number[] = [];
  #pieces: Buffer[] = [];
  #length = 0;
  #scheduled = false;

  /**
   * @param send throws where a message holds what cannot be cloned
   * @param gathered makes the message that numbers are sent in
   * @param unsent gets a message that cannot be cloned; the others are sent without it
   */
  constructor(
    send: (packet: Packet<M>) => void,
    gathered: (numbers: Float64Array) => M,
    unsent: (message: M, error: unknown) => void,
  ) {
    this.#send = send;
    this.#gathered = gathered;
    this.#unsent = unsent;
  }

  /** Bytes that wait to be sent. */
  get length(): number {
    return this.#length;
  }

  post(message: M): void {
    if (this.#numbers.length > 0) this.#endNumbers();
    this.#messages.push(message);
    this.#schedule();
  }

  /**
   * Posts what consists of numbers alone: all that is posted so one after the other is one message, which is copied as
   * a whole where each message of its own would be taken apart.
   */
  postNumbers(...numbers: readonly number[]): void {
    for (const number of numbers) this.#numbers.push(number);
    this.#schedule();
    if (this.#numbers.length >= mostAtOnce * numbers.length) this.flush();
  }

  #endNumbers(): void {
    this.#messages.push(this.#gathered(Float64Array.from(this.#numbers)));
    this.#numbers = [];
  }

  #schedule(): void {
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
    if (this.#numbers.length > 0) this.#endNumbers();
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
