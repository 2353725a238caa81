import { GatewayDError } from '../errors.ts';
import type { Session } from '../hooks/payloads.ts';
import { backendKinds } from '../protocol/backend-messages.ts';
import { frontendKinds } from '../protocol/frontend-messages.ts';
import { MessageSource } from '../protocol/message-source.ts';
import { readMessages, type Message, type Sender } from '../protocol/messages.ts';
import { isMessage, messageEnd, messageSource, messageStart, wireBytes } from '../protocol/protocol-message.ts';
import { trafficErrors } from './errors.ts';

/** What taps changed so far: the whole list as it is now, or null while it is as it came. */
export type Edits = readonly Message[] | null;

/** Above so many pieces one copy is cheaper than as many writes. */
const MAX_PIECES = 16;

class MessageList implements Iterable<Message> {
  readonly #items: readonly Message[];

  constructor(items: readonly Message[]) {
    this.#items = items;
  }

  [Symbol.iterator](): Iterator<Message> {
    return this.#items.values();
  }
}

/** Whole messages that travel together, and what the taps made of them. Nothing is decoded before somebody reads. */
export class TrafficBatch {
  readonly session: Session;
  readonly sender: Sender;
  readonly #sources: readonly MessageSource[];
  #original: readonly Message[] | null = null;
  #edits: Edits = null;

  /**
   * @param buffers each a sequence of whole messages
   * @param owned true when nobody else will ever use these bytes again
   */
  constructor(session: Session, sender: Sender, buffers: readonly Buffer[], owned = false) {
    this.session = session;
    this.sender = sender;
    this.#sources = buffers.map((bytes) => new MessageSource(bytes, owned));
  }

  /** The bytes as they came. */
  get sources(): readonly MessageSource[] {
    return this.#sources;
  }

  /** The messages as the taps left them. The list itself is not for plugins. */
  get items(): readonly Message[] {
    return this.#edits ?? (this.#original ??= this.#readAll());
  }

  /** The messages for a plugin: a list it can only iterate. */
  get messages(): Iterable<Message> {
    return new MessageList(this.items);
  }

  get edits(): Edits {
    return this.#edits;
  }

  set edits(edits: Edits) {
    this.#edits = edits;
  }

  /** @throws {GatewayDError} PAYLOAD_UNKNOWN_MESSAGE, PAYLOAD_WRONG_MESSAGE */
  replace(message: Message, by: Message | readonly Message[]): void {
    const index = this.items.indexOf(message);
    if (index === -1) throw new GatewayDError(trafficErrors.PAYLOAD_UNKNOWN_MESSAGE);
    const replacements = (Array.isArray(by) ? (by as readonly Message[]) : [by as Message]).map((each) =>
      this.#adopt(each),
    );
    this.#edits = this.items.toSpliced(index, 1, ...replacements);
  }

  /** From now on the socket's buffer is not needed any more. */
  retain(): void {
    for (const source of this.#sources) source.retain();
  }

  /** The batch is through: its messages cannot be read any more. */
  release(): void {
    for (const source of this.#sources) source.release(trafficErrors.PAYLOAD_EXPIRED);
  }

  /** The bytes as the taps left them: those that came where nothing was changed. */
  output(): readonly Buffer[] {
    if (this.#edits === null) return this.#sources.map((source) => source.bytes);
    const pieces: Buffer[] = [];
    let source: MessageSource | null = null;
    let start = 0;
    let end = 0;
    for (const item of this.#edits) {
      const message = asWire(item);
      if (messageSource(message) !== source || messageStart(message) !== end) {
        if (source !== null) pieces.push(source.bytes.subarray(start, end));
        source = messageSource(message);
        start = messageStart(message);
      }
      end = messageEnd(message);
    }
    if (source !== null) pieces.push(source.bytes.subarray(start, end));
    return pieces.length > MAX_PIECES ? [Buffer.concat(pieces)] : pieces;
  }

  #readAll(): readonly Message[] {
    const items: Message[] = [];
    for (const source of this.#sources) readMessages(this.sender, source, items);
    return items;
  }

  /** A message of another batch is copied: its bytes may be gone before these are written. */
  #adopt(message: Message): Message {
    const kinds = this.sender === 'frontend' ? frontendKinds : backendKinds;
    if (!isMessage(message) || !(Object.hasOwn(kinds, message.name) || message.name === 'Unknown')) {
      throw new GatewayDError(trafficErrors.PAYLOAD_WRONG_MESSAGE, { sender: this.sender });
    }
    const source = messageSource(message);
    if (source.retained || this.#sources.includes(source)) return message;
    const copied: Message[] = [];
    readMessages(this.sender, new MessageSource(Buffer.from(wireBytes(message)), true), copied);
    return copied[0] ?? message;
  }
}

/** Every message a batch holds was made by the protocol room. */
export function asWire(message: Message): Parameters<typeof messageSource>[0] {
  return message as unknown as Parameters<typeof messageSource>[0];
}
