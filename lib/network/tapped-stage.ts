import type { WireError } from '../hooks/verdict.ts';
import { BackendCode } from '../protocol/codes.ts';
import { FrameScanner } from '../protocol/frame-scanner.ts';
import type { Conversation } from '../traffic/conversation.ts';
import type { Relayed } from '../traffic/relayed.ts';
import { isFatal } from './fatal.ts';
import { Hold } from './intake.ts';
import type { Link } from './link.ts';
import type { Lender, Stage } from './stage.ts';
import { terminate } from './terminate.ts';

/** What becomes of a chunk after the plugins had it, which may be later. */
export interface TappedWatcher {
  /** A chunk has been dealt with: the session may be idle now. */
  settled(): void;
  /** A plugin, or bytes that are no protocol, ended the session; the client has been told already. */
  ended(error: WireError): void;
}

/** An open session whose traffic plugins look at: every chunk goes through the conversation. */
export class TappedStage implements Stage {
  readonly #link: Link;
  readonly #conversation: Conversation;
  readonly #watcher: TappedWatcher;
  /** Reads what the client gets, which is not what the database sent. */
  readonly #toClient = new FrameScanner({ collect: [BackendCode.ErrorResponse] });
  /** Reads what the database sent, where somebody wants to know. */
  readonly #fromServer = new FrameScanner({ collect: [BackendCode.ParameterStatus] });
  readonly #lender: Lender | null;
  #clientBusy = false;
  #serverBusy = false;
  /** What is to be written now may lie in a buffer that a socket is read into. */
  #borrowed = false;
  #endExpected = false;

  /** @param lender null where the backend ends with the session */
  constructor(link: Link, conversation: Conversation, watcher: TappedWatcher, lender: Lender | null) {
    this.#lender = lender;
    this.#link = link;
    this.#conversation = conversation;
    this.#watcher = watcher;
  }

  get idle(): boolean {
    return !this.#clientBusy && !this.#serverBusy && this.#conversation.idle;
  }

  get quiet(): boolean {
    return !this.#clientBusy && !this.#serverBusy && this.#conversation.quiet;
  }

  get answering(): boolean {
    return this.#clientBusy || this.#serverBusy || this.#conversation.answering;
  }

  get clientBusy(): boolean {
    return this.#clientBusy;
  }

  get serverBusy(): boolean {
    return this.#serverBusy;
  }

  get speakable(): boolean {
    return this.#toClient.atBoundary;
  }

  get endExpected(): boolean {
    return this.#endExpected;
  }

  fromClient(bytes: Buffer, borrowed: boolean): void {
    this.#clientBusy = true;
    this.#borrowed = borrowed;
    const asItCame = this.#conversation.fromClient(bytes, this.#clientDone, borrowed);
    this.#borrowed = false;
    if (asItCame) {
      this.#clientBusy = false;
      this.#link.toServer(bytes, borrowed);
      this.#watcher.settled();
    } else if (this.#clientBusy) this.#link.clientIntake.hold(Hold.Busy);
  }

  fromServer(bytes: Buffer, borrowed: boolean): void {
    if (this.#lender !== null) this.#noteParameters(bytes, this.#lender);
    this.#serverBusy = true;
    this.#borrowed = borrowed;
    const asItCame = this.#conversation.fromServer(bytes, this.#serverDone, borrowed);
    this.#borrowed = false;
    if (asItCame) {
      this.#serverBusy = false;
      this.#noteFatal(bytes);
      this.#link.toClient(bytes, borrowed);
      this.#watcher.settled();
    } else if (this.#serverBusy) this.#link.serverIntake.hold(Hold.Busy);
  }

  close(): void {
    this.#conversation.close();
  }

  readonly #clientDone = (relayed: Relayed): void => {
    this.#clientBusy = false;
    this.#write(relayed);
    if (this.#link.clientFull) this.#link.clientIntake.hold(Hold.AnswersUnread);
    this.#link.clientIntake.release(Hold.Busy);
    this.#settle(relayed);
  };

  readonly #serverDone = (relayed: Relayed): void => {
    this.#serverBusy = false;
    this.#write(relayed);
    this.#link.serverIntake.release(Hold.Busy);
    this.#settle(relayed);
  };

  #write({ toServer, toClient, terminated }: Relayed): void {
    if (terminated === true) this.#endExpected = true;
    const passed = terminated === true && this.#lender !== null ? withoutTerminate(toServer) : toServer;
    for (const bytes of joined(passed)) this.#link.toServer(bytes, this.#borrowed);
    for (const bytes of joined(toClient)) {
      this.#noteFatal(bytes);
      this.#link.toClient(bytes, this.#borrowed);
    }
  }

  #noteFatal(toClient: Buffer): void {
    const scanner = this.#toClient;
    scanner.feed(toClient);
    while (scanner.next()) {
      if (scanner.type === BackendCode.ErrorResponse) this.#endExpected ||= isFatal(scanner.body);
    }
  }

  #settle({ end, terminated }: Relayed): void {
    if (end !== undefined) return this.#watcher.ended(end);
    if (terminated === true) this.#lender?.left();
    this.#watcher.settled();
  }

  #noteParameters(chunk: Buffer, lender: Lender): void {
    const scanner = this.#fromServer;
    scanner.feed(chunk);
    while (scanner.next()) if (scanner.type === BackendCode.ParameterStatus) lender.parameter(scanner.body);
  }
}

/** Up to here one copy is cheaper than another write. */
const joinLimit = 65_536;

function joined(pieces: readonly Buffer[]): readonly Buffer[] {
  if (pieces.length < 2) return pieces;
  let size = 0;
  for (const { length } of pieces) size += length;
  return size <= joinLimit ? [Buffer.concat(pieces, size)] : pieces;
}

/** The goodbye is the last of what the client sent. */
function withoutTerminate(toServer: readonly Buffer[]): Buffer[] {
  const bytes = Buffer.concat(toServer);
  const start = bytes.length - terminate.length;
  return start >= 0 && bytes.subarray(start).equals(terminate) ? [bytes.subarray(0, start)] : [bytes];
}
