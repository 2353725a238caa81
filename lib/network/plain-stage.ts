import { BackendCode, FrontendCode, transactionStatus, type TransactionStatus } from '../protocol/codes.ts';
import { FrameScanner } from '../protocol/frame-scanner.ts';
import { isFatal } from './fatal.ts';
import type { Link } from './link.ts';
import { RequestTracker } from './request-tracker.ts';
import type { Stage } from './stage.ts';

/** An open session that no plugin looks at: chunks pass as they come, and only the types of messages are read. */
export class PlainStage implements Stage {
  readonly #link: Link;
  readonly #client = new FrameScanner();
  readonly #server = new FrameScanner({ collect: [BackendCode.ReadyForQuery, BackendCode.ErrorResponse] });
  readonly #requests = new RequestTracker();
  #endExpected = false;

  constructor(link: Link, status: TransactionStatus) {
    this.#link = link;
    this.#requests.ready(status);
  }

  get idle(): boolean {
    return this.#requests.idle && this.#client.atBoundary && this.#server.atBoundary;
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
      if (scanner.type === FrontendCode.Terminate) this.#endExpected = true;
      else this.#requests.sent(scanner.type);
    }
    this.#link.toServer(chunk, borrowed);
  }

  fromServer(chunk: Buffer, borrowed: boolean): void {
    const scanner = this.#server;
    scanner.feed(chunk);
    while (scanner.next()) {
      if (scanner.type === BackendCode.ReadyForQuery) {
        this.#requests.ready(transactionStatus(scanner.body));
      } else {
        if (scanner.type === BackendCode.ErrorResponse) this.#endExpected ||= isFatal(scanner.body);
        this.#requests.received(scanner.type);
      }
    }
    this.#link.toClient(chunk, borrowed);
  }

  close(): void {
    // Nothing is held here.
  }
}
