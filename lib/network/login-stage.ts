import { TLSSocket } from 'node:tls';
import { GatewayDError } from '../errors.ts';
import { BackendCode, FrontendCode, transactionStatus, type TransactionStatus } from '../protocol/codes.ts';
import { FrameScanner } from '../protocol/frame-scanner.ts';
import { networkErrors } from './errors.ts';
import { isFatal } from './fatal.ts';
import { Hold } from './intake.ts';
import type { Link } from './link.ts';
import { bindingReaches, bindsChannel } from './relayed-binding.ts';
import type { Stage } from './stage.ts';
import { UnboundOffer } from './unbound-offer.ts';
import { violation } from './violation.ts';

/** What a session learns while its client logs in at the database. */
export interface LoginWatcher {
  /** Messages that the client is to have before it may begin: libpq takes none before it is asked who it is. */
  readonly notices: Buffer;
  /** @param key the body of BackendKeyData; valid during the call */
  backendKey(key: Buffer): void;
  /** The first ReadyForQuery is on its way to the client. Neither side is read until the relay is opened. */
  loggedIn(status: TransactionStatus): void;
}

/**
 * From the start-up packet to the first ReadyForQuery: bytes pass untouched, but for an offer to bind the login to TLS
 * that the client does not have. Of the client's only the answers to the
 * authentication do; what it sends ahead of its turn waits, so that no query passes the traffic hooks by.
 */
export class LoginStage implements Stage {
  readonly idle = false;
  readonly quiet = false;
  readonly answering = false;
  readonly clientBusy = false;
  readonly serverBusy = false;
  readonly #link: Link;
  readonly #watcher: LoginWatcher;
  readonly #client = new FrameScanner({ collect: [FrontendCode.PasswordMessage] });
  readonly #server = new FrameScanner({
    collect: [BackendCode.BackendKeyData, BackendCode.ReadyForQuery, BackendCode.ErrorResponse],
  });
  readonly #offer: UnboundOffer | null;
  #told = false;

  constructor(link: Link, watcher: LoginWatcher) {
    this.#link = link;
    this.#watcher = watcher;
    const encrypted = link.server instanceof TLSSocket && !(link.client instanceof TLSSocket);
    this.#offer = encrypted ? new UnboundOffer() : null;
  }

  get speakable(): boolean {
    return this.#server.atBoundary;
  }

  get endExpected(): boolean {
    return this.#told;
  }

  fromClient(chunk: Buffer): void {
    const scanner = this.#client;
    scanner.feed(chunk);
    let early = false;
    while (!early && scanner.next()) {
      early = scanner.type !== FrontendCode.PasswordMessage;
      if (!early) this.#checkBinding(scanner.body);
    }
    // What is not finished yet tells by its first byte what it is, and that is in this chunk if it is no answer.
    early ||= !scanner.atBoundary && scanner.type !== FrontendCode.PasswordMessage;
    const end = early ? scanner.start : chunk.length;
    if (end > 0) this.#link.toServer(end === chunk.length ? chunk : chunk.subarray(0, end));
    if (!early) return;
    scanner.forgetUnfinished();
    this.#link.clientIntake.hold(Hold.Gate);
    this.#link.clientIntake.giveBack(chunk.subarray(end));
  }

  fromServer(bytes: Buffer): void {
    const chunk = this.#offer?.take(bytes) ?? bytes;
    if (chunk.length === 0) return;
    const scanner = this.#server;
    scanner.feed(chunk);
    while (scanner.next()) {
      if (scanner.type === BackendCode.BackendKeyData) this.#watcher.backendKey(scanner.body);
      else if (scanner.type === BackendCode.ErrorResponse) this.#told ||= isFatal(scanner.body);
      else if (scanner.type === BackendCode.ReadyForQuery) return this.#finish(chunk, scanner.end, scanner.body);
    }
    this.#link.toClient(chunk);
  }

  close(): void {
    // Nothing is held here: what waits lies in the sockets.
  }

  /** @param welcome ends with the ReadyForQuery, or with the rest of it */
  #withNotices(welcome: Buffer): Buffer {
    const { notices } = this.#watcher;
    if (notices.length === 0) return welcome;
    // Where the message began in the chunk before, the client has the beginning already.
    const at = this.#server.start < 0 ? welcome.length : this.#server.start;
    return Buffer.concat([welcome.subarray(0, at), notices, welcome.subarray(at)]);
  }

  /** What the database would refuse, the client is told in words that help. */
  #checkBinding(answer: Buffer): void {
    if (!bindsChannel(answer) || bindingReaches(this.#link.client, this.#link.server)) return;
    throw new GatewayDError(networkErrors.NETWORK_CHANNEL_BINDING);
  }

  #finish(chunk: Buffer, end: number, body: Buffer): void {
    // Its rest would be taken for messages of its own, and what is in it pass the traffic hooks by or mislead them.
    if (!this.#client.atBoundary) throw violation('logged in within a message');
    const { client, server, clientIntake, serverIntake } = this.#link;
    clientIntake.hold(Hold.Gate);
    serverIntake.hold(Hold.Gate);
    this.#link.toClient(this.#withNotices(end === chunk.length ? chunk : chunk.subarray(0, end)));
    if (end < chunk.length && !server.destroyed) server.unshift(chunk.subarray(end));
    if (!client.destroyed) this.#watcher.loggedIn(transactionStatus(body[0]));
  }
}
