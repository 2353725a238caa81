import { BackendCode, FrontendCode, type TransactionStatus } from '../protocol/codes.ts';

/**
 * Follows the types of the messages of one session and knows whether the database owes the client anything: a
 * session that is idle can be ended, or moved, without anybody losing an answer. In doubt it is not idle: a client
 * must not be able to have a backend taken for idle that is at something.
 */
export class RequestTracker {
  /** Type of the oldest request that a ReadyForQuery will answer; 0 where there is none. */
  #awaited = 0;
  /** Types of those behind it, oldest first; null where there are none, as with all who wait for an answer. */
  #behind: number[] | null = null;
  /** An extended query has begun and no Sync has ended it. */
  #unsynced = false;
  /** The database takes COPY data, and ignores Sync until it has all. */
  #copyingIn = false;
  /** The client has ended a COPY that the database has not begun yet. */
  #endedAhead = false;
  /** A Sync was taken for one that the COPY under way ignores. */
  #passedOver = false;
  /** How many ReadyForQuery are still to come cannot be known any more. */
  #lost = false;
  #status: TransactionStatus | null = null;

  /** As the last ReadyForQuery said; null before the first. */
  get status(): TransactionStatus | null {
    return this.#status;
  }

  /** Nothing is in flight, and no transaction is open. */
  get idle(): boolean {
    return this.#status === 'I' && this.quiet;
  }

  /** Nothing is in flight; a transaction may be open. */
  get quiet(): boolean {
    return this.#awaited === 0 && !this.#unsynced && !this.#lost;
  }

  /** A ReadyForQuery will come whatever the client does. */
  get answering(): boolean {
    return this.#awaited !== 0 && (!this.#copyingIn || this.#endedAhead) && !this.#lost;
  }

  /** A message of this type went to the database. */
  sent(type: number): void {
    switch (type) {
      case FrontendCode.Query:
      case FrontendCode.FunctionCall:
        this.#await(type);
        break;
      case FrontendCode.Sync:
        if (this.#copyingIn) {
          this.#passedOver = true;
          break;
        }
        this.#await(type);
        this.#unsynced = false;
        break;
      case FrontendCode.Parse:
      case FrontendCode.Bind:
      case FrontendCode.Describe:
      case FrontendCode.Execute:
      case FrontendCode.Close:
        this.#unsynced = true;
        break;
      case FrontendCode.CopyDone:
      case FrontendCode.CopyFail:
        if (!this.#copyingIn && !this.quiet) this.#endedAhead = true;
        this.#copyingIn = false;
        break;
      default:
    }
  }

  /** A message of this type, other than ReadyForQuery, came from the database. */
  received(type: number): void {
    if (type === BackendCode.CopyInResponse) {
      this.#copyingIn = true;
      // A Sync sent along with the COPY's Execute is ignored as well; the one after the data counts.
      if (this.#awaited === FrontendCode.Sync && !this.#endedAhead) {
        this.#answered();
        this.#unsynced = true;
        this.#passedOver = true;
      }
    } else if (type === BackendCode.CommandComplete) {
      this.#passedOver = false;
    } else if (type === BackendCode.ErrorResponse) {
      this.#copyingIn = false;
      // It may have come to the Sync before the error, and ignored it, or after, and answers it.
      this.#lost ||= this.#passedOver;
    }
  }

  /** A ReadyForQuery came. */
  ready(status: TransactionStatus): void {
    this.#status = status;
    this.#answered();
    this.#copyingIn = false;
    this.#passedOver = false;
    if (this.quiet) this.#endedAhead = false;
  }

  #await(type: number): void {
    if (this.#awaited === 0) this.#awaited = type;
    else (this.#behind ??= []).push(type);
  }

  #answered(): void {
    this.#awaited = this.#behind?.shift() ?? 0;
    if (this.#behind?.length === 0) this.#behind = null;
  }
}
