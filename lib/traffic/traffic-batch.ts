import { GatewayDError } from '../errors.ts';
import type { LargeMessage, SentLargeMessage, Session } from '../hooks/payloads.ts';
import type { Afterwards } from '../hooks/scope.ts';
import { throwLater } from '../hooks/throw-later.ts';
import { backendKinds } from '../protocol/backend-messages.ts';
import { frontendKinds } from '../protocol/frontend-messages.ts';
import { MessageSource } from '../protocol/message-source.ts';
import { readMessages, type Message, type Sender } from '../protocol/messages.ts';
import { isMessage, messageEnd, messageSource, messageStart, wireBytes } from '../protocol/protocol-message.ts';
import { trafficErrors } from './errors.ts';
import type { LargeHead } from './large-head.ts';
import { LargeInHand } from './large-in-hand.ts';
import type { LargeReader } from './large-reading.ts';

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

/** A tap of gatewayd's own is no plugin's: what it throws surfaces. */
const uncontained: Afterwards = {
  limit: 2 ** 31 - 1,
  call: (run) => run(),
  finished: (_, result) => result,
  failed: (_, error) => throwLater(error),
};

/** Whole messages that travel together, and what the taps made of them. Nothing is decoded before somebody reads. */
export class TrafficBatch {
  readonly session: Session;
  readonly sender: Sender;
  /** The beginning of the one message this batch is, where that is too large to be kept. */
  readonly largeHead: LargeHead | null;
  #buffers: readonly Buffer[];
  readonly #owned: boolean;
  /** Made when somebody asks: nobody may. */
  #sources: readonly MessageSource[] | null = null;
  #original: readonly Message[] | null = null;
  #edits: Edits = null;
  #readers: LargeReader[] | null = null;

  /**
   * @param buffers each a sequence of whole messages
   * @param owned true when nobody else will ever use these bytes again
   * @param largeHead the beginning of a large message, without any other
   */
  constructor(
    session: Session,
    sender: Sender,
    buffers: readonly Buffer[],
    owned = false,
    largeHead: LargeHead | null = null,
  ) {
    this.session = session;
    this.sender = sender;
    this.largeHead = largeHead;
    this.#buffers = buffers;
    this.#owned = owned;
  }

  /** The bytes as they came. */
  get sources(): readonly MessageSource[] {
    return (this.#sources ??= sourcesOf(this.#buffers, this.#owned));
  }

  /** The messages as the taps left them. The list itself is not for plugins. */
  get items(): readonly Message[] {
    return this.#edits ?? (this.#original ??= allOf(this.sender, this.sources));
  }

  /** The messages for a plugin: a list it can only iterate. */
  get messages(): Iterable<Message> {
    return new MessageList(this.items);
  }

  /** The large message as the taps left it, null where they put others in its place, for a tap of gatewayd's own. */
  get large(): LargeMessage | null {
    if (this.largeHead === null || this.#edits !== null) return null;
    return new LargeInHand(this.largeHead, {
      read: (read) => this.readers.push({ read, tap: uncontained }),
      replace: (_, by) => this.replaceLarge(by),
    });
  }

  /** The same for who only looks at it. */
  get shownLarge(): SentLargeMessage | null {
    return this.#edits === null ? (this.largeHead?.shown ?? null) : null;
  }

  /** What taps want called with the body of that. */
  get readers(): LargeReader[] {
    return (this.#readers ??= []);
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
    this.#edits = this.items.toSpliced(index, 1, ...adoptAll(this, by));
  }

  /** @throws {GatewayDError} PAYLOAD_UNKNOWN_MESSAGE, PAYLOAD_WRONG_MESSAGE */
  replaceLarge(by: Message | readonly Message[]): void {
    if (this.largeHead === null || this.#edits !== null) throw new GatewayDError(trafficErrors.PAYLOAD_UNKNOWN_MESSAGE);
    this.#edits = adoptAll(this, by);
  }

  /** From now on the socket's buffer is not needed any more. */
  retain(): void {
    for (const source of this.sources) source.retain();
  }

  /**
   * Makes another batch of this one, which is through and in nobody's hands: to make one anew takes as long as to show
   * it.
   */
  protected reset(buffers: readonly Buffer[]): void {
    this.#buffers = buffers;
    this.#sources = null;
    this.#original = null;
    this.#edits = null;
    this.#readers = null;
  }

  /** The batch is through: its messages cannot be read any more. */
  release(): void {
    if (this.#sources === null) this.#sources = expired;
    else for (const source of this.#sources) source.release(trafficErrors.PAYLOAD_EXPIRED);
  }

  /** The bytes as the taps left them: those that came where nothing was changed. */
  output(): readonly Buffer[] {
    if (this.#edits === null) return this.#sources === null ? this.#buffers : bytesOf(this.#sources, this.#buffers);
    const pieces: Buffer[] = [];
    let source: MessageSource | null = null;
    let start = 0;
    let end = 0;
    for (const item of this.#edits) {
      const message = item;
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
}

const gone = new MessageSource(Buffer.alloc(0), true);
gone.release(trafficErrors.PAYLOAD_EXPIRED);
/** Those of a batch that is through and was not looked at. */
const expired: readonly MessageSource[] = [gone];

function sourcesOf(buffers: readonly Buffer[], owned: boolean): readonly MessageSource[] {
  const [only] = buffers;
  if (only !== undefined && buffers.length === 1) return [new MessageSource(only, owned)];
  return buffers.map((bytes) => new MessageSource(bytes, owned));
}

/** The same list as came, unless it was copied meanwhile. */
function bytesOf(sources: readonly MessageSource[], buffers: readonly Buffer[]): readonly Buffer[] {
  for (let index = 0; index < sources.length; index++) {
    if (sources[index]?.bytes !== buffers[index]) return sources.map(({ bytes }) => bytes);
  }
  return buffers;
}

function allOf(sender: Sender, sources: readonly MessageSource[]): readonly Message[] {
  const items: Message[] = [];
  for (const source of sources) readMessages(sender, source, items);
  return items;
}

function adoptAll(batch: TrafficBatch, by: Message | readonly Message[]): Message[] {
  return (Array.isArray(by) ? (by as readonly Message[]) : [by as Message]).map((each) => adopt(batch, each));
}

/** A message of another batch is copied: its bytes may be gone before these are written. */
function adopt({ sender, sources }: TrafficBatch, message: Message): Message {
  const kinds = sender === 'frontend' ? frontendKinds : backendKinds;
  if (!isMessage(message) || !(Object.hasOwn(kinds, message.name) || message.name === 'Unknown')) {
    throw new GatewayDError(trafficErrors.PAYLOAD_WRONG_MESSAGE, { sender });
  }
  const source = messageSource(message);
  if (source.retained || sources.includes(source)) return message;
  const copied: Message[] = [];
  readMessages(sender, new MessageSource(Buffer.from(wireBytes(message)), true), copied);
  return copied[0] ?? message;
}
