import { BackendCode, FrontendCode, transactionStatus, type TransactionStatus } from '../protocol/codes.ts';
import { FrameScanner } from '../protocol/frame-scanner.ts';
import { isFatal } from './fatal.ts';
import type { Link } from './link.ts';
import { RequestTracker } from './request-tracker.ts';
import type { Lender, Stage } from './stage.ts';

/** An open session that no plugin looks at: chunks pass as they come, and only the types of messages are read. */
export class PlainStage implements Stage {
  readonly clientBusy = false;
  readonly serverBusy = false;
  readonly #link: Link;
  readonly #client = new FrameScanner();
  readonly #server = new FrameScanner({
    collect: [BackendCode.ReadyForQuery, BackendCode.ErrorResponse, BackendCode.ParameterStatus],
  });
  readonly #requests = new RequestTracker();
  readonly #lender: Lender | null;
  #endExpected = false;

  /** @param lender null where the backend ends with the session */
  constructor(link: Link, status: TransactionStatus, lender: Lender | null) {
    this.#link = link;
    this.#lender = lender;
    this.#requests.ready(status);
  }

  get idle(): boolean {
    return this.#requests.idle && this.#client.atBoundary && this.#server.atBoundary;
  }

  get quiet(): boolean {
    return this.#requests.quiet && this.#client.atBoundary && this.#server.atBoundary;
  }

  get answering(): boolean {
    return this.#requests.answering && this.#client.atBoundary;
  }

  get speakable(): boolean {
    return this.#server.atBoundary;
  }

  get endExpected(): boolean {
    return this.#endExpected;
  }

  fromClient(chunk: Buffer, borrowed: boolean): void {
    const scanner = this.#client;
    scanner.feed(chunk);
    while (scanner.next()) {
      if (scanner.type === FrontendCode.Terminate) return this.#terminated(chunk, borrowed);
      this.#requests.sent(scanner.type);
    }
    this.#link.toServer(chunk, borrowed);
  }

  fromServer(chunk: Buffer, borrowed: boolean): void {
    const scanner = this.#server;
    scanner.feed(chunk);
    while (scanner.next()) {
      if (scanner.type === BackendCode.ReadyForQuery) {
        this.#requests.ready(transactionStatus(scanner.firstByte));
      } else {
        if (scanner.type === BackendCode.ErrorResponse) this.#endExpected ||= isFatal(scanner.body);
        else if (scanner.type === BackendCode.ParameterStatus) this.#lender?.parameter(scanner.body);
        this.#requests.received(scanner.type);
      }
    }
    this.#link.toClient(chunk, borrowed);
  }

  #terminated(chunk: Buffer, borrowed: boolean): void {
    this.#endExpected = true;
    if (this.#lender === null) return this.#link.toServer(chunk, borrowed);
    if (this.#client.start > 0) this.#link.toServer(chunk.subarray(0, this.#client.start), borrowed);
    this.#lender.left();
  }

  close(): void {
    // Nothing is held here.
  }
}
