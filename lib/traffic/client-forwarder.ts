import { GatewayDError } from '../errors.ts';
import type { Outcome } from '../hooks/verdict.ts';
import { FrontendCode } from '../protocol/codes.ts';
import { encodeErrorResponse } from '../protocol/error-response.ts';
import { protocolErrors } from '../protocol/errors.ts';
import { frontendKinds } from '../protocol/frontend-messages.ts';
import { int32At } from '../protocol/int32-at.ts';
import { MessageSource } from '../protocol/message-source.ts';
import { messages } from '../protocol/messages.ts';
import { wireBytes } from '../protocol/protocol-message.ts';
import { bindComplete, LocalAnswer, parseComplete } from './local-answer.ts';
import { BoundedMap, type LocalPortal, type LocalStatements } from './local-statements.ts';
import { Outgoing } from './outgoing.ts';
import { parsedStatement } from './parsed-statement.ts';
import { awaited, type Pipeline } from './pipeline.ts';
import type { PortalDescriber } from './portal-describer.ts';

const sync = wireBytes(messages.sync());

/** What the taps decided about a batch. */
interface Decision {
  readonly answer: LocalAnswer | null;
  /** The ErrorResponse. */
  readonly refusal: Buffer | null;
  /** The CopyFail that ends a COPY under way; null once it is sent. */
  copyFail: Buffer | null;
}

const pass: Decision = { answer: null, refusal: null, copyFail: null };

function decide(outcome: Outcome | null): Decision {
  if (outcome === null) return pass;
  if (outcome.kind === 'reply') return { answer: new LocalAnswer(outcome), refusal: null, copyFail: null };
  if (outcome.kind !== 'refuse') return pass;
  return {
    answer: null,
    refusal: encodeErrorResponse({ severity: 'ERROR', ...outcome.error }),
    copyFail: wireBytes(messages.copyFail(outcome.error.message.replaceAll('\0', ''))),
  };
}

/** The string that begins at `start`; a name is compared, not read, so that no two become one. */
export function nameAt(buffer: Buffer, start: number, end: number): string {
  let nul = start;
  while (nul < end && buffer[nul] !== 0) nul++;
  return nul === start ? '' : buffer.toString('latin1', start, nul);
}

/** One message on its way: a range of a buffer. */
interface Frame {
  type: number;
  buffer: Buffer;
  start: number;
  end: number;
  /** Only its beginning is there. */
  large: boolean;
}

const noBytes = Buffer.alloc(0);

/**
 * Sends on what a client sent and the taps left, message by message: to the database, or to the plugin's answer.
 * An answered Query becomes a Sync, and a client's own Sync is always sent, so that ReadyForQuery and the transaction
 * status in it come from the database and in their order; only what goes before it is ours.
 */
export class ClientForwarder {
  readonly #pipeline: Pipeline;
  readonly #describer: PortalDescriber;
  readonly #statements: LocalStatements;
  readonly #out = new Outgoing();
  /** The one that is just being dealt with: always this, so that none is made for each. */
  readonly #frame: Frame = { type: 0, buffer: noBytes, start: 0, end: 0, large: false };
  readonly #portals = new BoundedMap<LocalPortal>(1000);
  /** An extended query was refused: everything up to the client's Sync is left out, as PostgreSQL does after an error. */
  #refused = false;
  #terminated = false;

  constructor(pipeline: Pipeline, describer: PortalDescriber, statements: LocalStatements) {
    this.#pipeline = pipeline;
    this.#describer = describer;
    this.#statements = statements;
  }

  /** An answer of ours goes up to a Sync that the client has not sent yet. */
  get refusing(): boolean {
    return this.#refused;
  }

  /** The client said goodbye. */
  get terminated(): boolean {
    return this.#terminated;
  }

  /**
   * @param buffers whole messages
   * @returns what the database gets: the same list when that is all of it
   * @throws {GatewayDError} PROTOCOL_BAD_MESSAGE
   */
  forward(buffers: readonly Buffer[], outcome: Outcome | null): readonly Buffer[] {
    const decision = decide(outcome);
    const out = this.#out;
    const frame = this.#frame;
    for (const buffer of buffers) {
      frame.buffer = buffer;
      frame.end = 0;
      while (frame.end < buffer.length && !this.#terminated) {
        frame.start = frame.end;
        frame.end += 1 + int32At(buffer, frame.start + 1);
        frame.type = buffer[frame.start] as number;
        this.#message(out, frame, decision);
      }
    }
    frame.buffer = noBytes;
    const sent = out.finish(buffers);
    if (sent === buffers || sent.length !== buffers.length) return sent;
    for (let index = 0; index < sent.length; index++) if (sent[index] !== buffers[index]) return sent;
    return buffers;
  }

  /**
   * The same for a large message, by its beginning.
   * @returns what the database gets in its place; null when it gets the message
   * @throws {GatewayDError} PROTOCOL_MESSAGE_TOO_LARGE when more of it would have to be there
   */
  forwardLarge(head: Buffer, outcome: Outcome | null): readonly Buffer[] | null {
    const out = new Outgoing();
    const type = head.readUInt8(0);
    const names = type === FrontendCode.Parse ? 1 : type === FrontendCode.Bind ? 2 : 0;
    if (!holdsNames(head, names)) throw tooLarge(head);
    this.#message(out, { type, buffer: head, start: 0, end: head.length, large: true }, decide(outcome));
    const sent = out.finish();
    return sent.includes(head) ? null : sent;
  }

  #message(out: Outgoing, frame: Frame, decision: Decision): void {
    switch (frame.type) {
      case FrontendCode.Query:
      case FrontendCode.FunctionCall:
        return this.#simple(out, frame, decision);
      case FrontendCode.Parse:
      case FrontendCode.Bind:
      case FrontendCode.Describe:
      case FrontendCode.Execute:
      case FrontendCode.Close:
        return this.#extended(out, frame, decision);
      case FrontendCode.CopyData:
      case FrontendCode.CopyDone:
      case FrontendCode.CopyFail:
        return this.#copy(out, frame, decision);
      case FrontendCode.Sync:
        this.#refused = false;
        this.#pipeline.expect(awaited.Sync);
        break;
      case FrontendCode.Terminate:
        this.#terminated = true;
        break;
      default:
    }
    keep(out, frame);
  }

  #simple(out: Outgoing, frame: Frame, { answer, refusal }: Decision): void {
    const isQuery = frame.type === FrontendCode.Query;
    if (this.#refused) return;
    this.#describer.forget();
    if (answer === null && refusal === null) {
      this.#pipeline.expect(isQuery ? awaited.Query : awaited.FunctionCall);
      return keep(out, frame);
    }
    // The database is ignoring everything up to Sync: ours must not end that.
    if (this.#pipeline.skipping) return;
    if (refusal !== null) this.#pipeline.answer([refusal]);
    else if (answer !== null) this.#pipeline.answer(isQuery ? answer.simple() : [answer.functionCall()]);
    this.#pipeline.expect(awaited.Sync);
    out.put(sync);
  }

  #extended(out: Outgoing, frame: Frame, { answer, refusal }: Decision): void {
    if (this.#refused) return;
    if (refusal !== null) {
      this.#refused = true;
      return this.#pipeline.answer([refusal]);
    }
    switch (frame.type) {
      case FrontendCode.Parse:
        return this.#parse(out, frame, answer);
      case FrontendCode.Bind:
        return this.#bind(out, frame, answer);
      case FrontendCode.Describe:
        return this.#describe(out, frame, answer);
      case FrontendCode.Execute:
        return this.#execute(out, frame, answer);
      default:
        return this.#close(out, frame);
    }
  }

  #parse(out: Outgoing, frame: Frame, answer: LocalAnswer | null): void {
    const { buffer, start, end, large } = frame;
    const statement = nameAt(buffer, start + 5, end);
    const parsed = large ? { answer, parameterTypes: noTypes } : parsedStatement(statement, answer, buffer, start, end);
    this.#statements.set(statement, parsed);
    if (answer !== null) return this.#pipeline.answer([parseComplete]);
    this.#pipeline.expect(awaited.Parse);
    keep(out, frame);
  }

  #bind(out: Outgoing, frame: Frame, batchAnswer: LocalAnswer | null): void {
    const { buffer, start, end } = frame;
    const portal = nameAt(buffer, start + 5, end);
    const answer = batchAnswer ?? this.#answerOf(buffer, start + 6 + portal.length, end);
    if (answer !== null && frame.large) throw tooLarge(buffer);
    if (answer !== null) {
      const formats = frontendKinds.Bind.at(new MessageSource(buffer), start, end).resultFormats;
      this.#portals.set(portal, { answer, formats, position: 0 }, formats.length);
      return this.#pipeline.answer([bindComplete]);
    }
    if (!this.#portals.empty) this.#portals.delete(portal);
    this.#describer.bound(portal);
    this.#pipeline.expect(awaited.Bind);
    keep(out, frame);
  }

  #describe(out: Outgoing, frame: Frame, batchAnswer: LocalAnswer | null): void {
    const { buffer, start, end } = frame;
    if (buffer[start + 5] === targetStatement) {
      const answer = batchAnswer ?? this.#answerOf(buffer, start + 6, end);
      if (answer !== null)
        return this.#pipeline.answer(answer.describeStatement(this.#typesOf(buffer, start + 6, end)));
      this.#pipeline.expect(awaited.DescribeStatement);
    } else {
      const name = nameAt(buffer, start + 6, end);
      const local = this.#localPortal(name, batchAnswer);
      if (local !== undefined) return this.#pipeline.answer([local.answer.describe(local.formats)]);
      this.#describer.described(name);
    }
    keep(out, frame);
  }

  #execute(out: Outgoing, frame: Frame, batchAnswer: LocalAnswer | null): void {
    const { buffer, start, end } = frame;
    const name = nameAt(buffer, start + 5, end);
    const local = this.#localPortal(name, batchAnswer);
    if (local !== undefined) {
      const { maxRows } = frontendKinds.Execute.at(new MessageSource(buffer), start, end);
      const { bytes, next } = local.answer.execute(local.position, maxRows);
      local.position = next;
      return this.#pipeline.answer(bytes);
    }
    const describe = this.#describer.executed(name);
    if (describe !== null) out.put(describe);
    keep(out, frame);
  }

  /** Always sent: to close what it does not know is no error for the database. */
  #close(out: Outgoing, frame: Frame): void {
    const { buffer, start, end } = frame;
    const closed = buffer[start + 5] === targetStatement ? this.#statements : this.#portals;
    if (!closed.empty) closed.delete(nameAt(buffer, start + 6, end));
    this.#pipeline.expect(awaited.Close);
    keep(out, frame);
  }

  #copy(out: Outgoing, frame: Frame, decision: Decision): void {
    if (decision.refusal !== null) {
      if (decision.copyFail === null) return;
      out.put(decision.copyFail);
      decision.copyFail = null;
      return this.#pipeline.expect(awaited.CopyEnd);
    }
    if (frame.type !== FrontendCode.CopyData) this.#pipeline.expect(awaited.CopyEnd);
    else if (decision.answer !== null) return;
    keep(out, frame);
  }

  /** What a plugin replied to the Parse of the statement of that name. */
  #answerOf(buffer: Buffer, start: number, end: number): LocalAnswer | null {
    if (!this.#statements.mayAnswer) return null;
    return this.#statements.get(nameAt(buffer, start, end))?.answer ?? null;
  }

  #typesOf(buffer: Buffer, start: number, end: number): readonly number[] {
    return this.#statements.get(nameAt(buffer, start, end))?.parameterTypes ?? noTypes;
  }

  /** The portal a plugin's reply fills: by the batch it is executed in, or by the one it was bound in. */
  #localPortal(name: string, batchAnswer: LocalAnswer | null): LocalPortal | undefined {
    const known = this.#portals.empty ? undefined : this.#portals.get(name);
    if (batchAnswer === null || known?.answer === batchAnswer) return known;
    const portal: LocalPortal = { answer: batchAnswer, formats: known?.formats ?? [], position: 0 };
    this.#portals.set(name, portal);
    return portal;
  }
}

const noTypes: readonly number[] = [];

/** Whether that many strings end in the beginning of a message's body. */
function holdsNames(head: Buffer, names: number): boolean {
  let end = 4;
  for (let name = 0; name < names; name++) {
    end = head.indexOf(0, end + 1);
    if (end === -1) return false;
  }
  return true;
}

function tooLarge(head: Buffer): GatewayDError {
  const length = head.readInt32BE(1) + 1;
  return new GatewayDError(protocolErrors.PROTOCOL_MESSAGE_TOO_LARGE, { length, limit: head.length });
}

const targetStatement = 0x53; // S

function keep(out: Outgoing, { buffer, start, end }: Frame): void {
  out.keep(buffer, start, end);
}
