import { GatewayDError } from '../errors.ts';
import type { FromClient, ReplyRows, Session } from '../hooks/payloads.ts';
import { openScope, type Scoped, type ScopedHandle } from '../hooks/scope.ts';
import { makeVerdict, type Verdict } from '../hooks/verdict.ts';
import { FrontendCode } from '../protocol/codes.ts';
import { frontendKinds, type Parse, type Query } from '../protocol/frontend-messages.ts';
import { int32At } from '../protocol/int32-at.ts';
import type { Message } from '../protocol/messages.ts';
import { ClientHandle } from './batch-handle.ts';
import { trafficErrors } from './errors.ts';
import type { LargeHead } from './large-head.ts';
import { replyVerdict } from './reply-rows.ts';
import { TrafficBatch, type Edits } from './traffic-batch.ts';

function isQuery(message: Message): message is Query | Parse {
  return message.name === 'Query' || message.name === 'Parse';
}

/** Of what the database says ReadyForQuery after. */
const endsInReady: ReadonlySet<unknown> = new Set<Message['name']>(['Query', 'FunctionCall', 'Sync']);

/** A client that gets more ReadyForQuery than it asked for takes the answer to its next query for that to this one. */
function checkAnswers(replaced: string | undefined, by: Message | readonly Message[]): void {
  const answers = [by].flat().filter((message) => endsInReady.has((message as Message | null)?.name)).length;
  if (answers <= (endsInReady.has(replaced) ? 1 : 0)) return;
  throw new GatewayDError(trafficErrors.PAYLOAD_TOO_MANY_ANSWERS, { replaced: replaced ?? 'the message', answers });
}

/** Payload of `trafficFromClient`. */
export class ClientBatch extends TrafficBatch implements FromClient, Scoped {
  /** Undefined before it is looked for. */
  #query: string | null | undefined;
  /** The edits it was read in. */
  #queryEdits: Edits = null;

  constructor(session: Session, buffers: readonly Buffer[], owned = false, largeHead: LargeHead | null = null) {
    super(session, 'frontend', buffers, owned, largeHead);
  }

  /** As `reset`, for what a client sent. */
  show(buffers: readonly Buffer[]): this {
    this.reset(buffers);
    this.#query = undefined;
    return this;
  }

  get query(): string | null {
    if (this.#query === undefined || this.#queryEdits !== this.edits) {
      this.#query = (this.edits === null ? this.#findQuery() : this.edits.find(isQuery))?.sql ?? null;
      this.#queryEdits = this.edits;
    }
    return this.#query;
  }

  replaceQuery(sql: string): void {
    const message = this.items.find(isQuery);
    if (message === undefined) throw new GatewayDError(trafficErrors.PAYLOAD_NO_QUERY);
    if (message.name === 'Query') this.replace(message, frontendKinds.Query.make({ sql }));
    else {
      const { statement, parameterTypes } = message;
      this.replace(message, frontendKinds.Parse.make({ statement, sql, parameterTypes }));
    }
  }

  /** @throws {GatewayDError} PAYLOAD_TOO_MANY_ANSWERS, PAYLOAD_UNKNOWN_MESSAGE, PAYLOAD_WRONG_MESSAGE */
  override replace(message: Message, by: Message | readonly Message[]): void {
    checkAnswers(message.name, by);
    super.replace(message, by);
  }

  /** @throws {GatewayDError} PAYLOAD_TOO_MANY_ANSWERS, PAYLOAD_UNKNOWN_MESSAGE, PAYLOAD_WRONG_MESSAGE */
  override replaceLarge(by: Message | readonly Message[]): void {
    checkAnswers(this.largeHead?.name, by);
    super.replaceLarge(by);
  }

  drop(message: Message): void {
    this.replace(message, []);
  }

  reply(rows: ReplyRows): Verdict {
    const type = this.largeHead?.type;
    if (type === FrontendCode.Parse || type === FrontendCode.Bind) {
      const reason = 'what a large Parse or Bind says of parameters and formats is at its end';
      throw new GatewayDError(trafficErrors.PAYLOAD_BAD_REPLY, { reason });
    }
    return replyVerdict(rows);
  }

  refuse(sqlstate: string, message: string): Verdict {
    return makeVerdict({ kind: 'refuse', error: { sqlstate, message } });
  }

  terminate(sqlstate: string, message: string): Verdict {
    return makeVerdict({ kind: 'terminate', error: { sqlstate, message } });
  }

  refusal(sqlstate: string, message: string): Verdict {
    return this.refuse(sqlstate, message);
  }

  [openScope](): ScopedHandle {
    return new ClientHandle(this);
  }

  /** Finds the query without making a message of everything before and after it. */
  #findQuery(): Query | Parse | undefined {
    for (const source of this.sources) {
      const { bytes } = source;
      let start = 0;
      while (start < bytes.length) {
        const end = start + 1 + int32At(bytes, start + 1);
        const type = bytes[start];
        if (type === FrontendCode.Query) return frontendKinds.Query.at(source, start, end);
        if (type === FrontendCode.Parse) return frontendKinds.Parse.at(source, start, end);
        start = end;
      }
    }
    return undefined;
  }
}
