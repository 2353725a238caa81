import type { Hooks } from '../hooks/hooks.ts';
import type { Session } from '../hooks/payloads.ts';
import type { Logger } from '../logger.ts';
import type { TransactionStatus } from '../protocol/codes.ts';
import type { Relayed } from './relayed.ts';

export interface ConversationOptions {
  readonly session: Session;
  /** The generation of hooks this session lives in. Which of them are tapped is looked at once, here. */
  readonly hooks: Hooks;
  readonly logger: Logger;
  /** Bytes of the largest message a tap may be shown; a larger one in a tapped direction ends the session with 54000. */
  readonly maxMessageSize: number;
  /** Of the last ReadyForQuery; nothing may be in flight when a conversation is made. */
  readonly transactionStatus: TransactionStatus;
}

/**
 * The traffic of one session after it is `opened`, shown to the traffic hooks and changed by them. Make one only when
 * one of the five traffic hooks is tapped; without taps a FrameScanner does for the session's own needs.
 *
 * The caller feeds every byte either side sends, in order, and writes what it gets:
 * - `done` is called exactly once for each chunk: before `fromClient` returns when every tap was synchronous, later
 *   otherwise. The next chunk of the same direction is fed only after it, and not from within it; the other direction
 *   goes on meanwhile.
 * - the chunk belongs to the conversation until `done`, and to the sockets until it is written; an asynchronous tap
 *   works on a copy.
 * - a chunk may give nothing (a message is not whole yet) or bytes for the other side (a local reply).
 * - after a result with `end` or `terminated`, and after `close`, nothing more is fed.
 * - neither method throws: bytes that are no protocol give `end` with 08P01.
 */
export declare class Conversation {
  constructor(options: ConversationOptions);
  fromClient(chunk: Buffer, done: (result: Relayed) => void): void;
  fromServer(chunk: Buffer, done: (result: Relayed) => void): void;
  /** Nothing in flight, nothing half received, no transaction: the session may move to another generation of hooks. */
  get idle(): boolean;
  /** Of the last ReadyForQuery. */
  get transactionStatus(): TransactionStatus;
  /** The connection is gone: pending taps' results are dropped, and `done` is not called any more. */
  close(): void;
}
