import { GatewayDError } from '../errors.ts';
import { bailNow, seriesNow, type Answer } from '../hooks/dispatch.ts';
import type { Hooks } from '../hooks/hooks.ts';
import { takeLargeMessages } from '../hooks/large-messages.ts';
import type { Session } from '../hooks/payloads.ts';
import { Verdict, type Outcome, type WireError } from '../hooks/verdict.ts';
import type { Logger } from '../logger.ts';
import type { TransactionStatus } from '../protocol/codes.ts';
import { encodeErrorResponse } from '../protocol/error-response.ts';
import { MessageReader } from '../protocol/message-reader.ts';
import type { Sender } from '../protocol/messages.ts';
import { added } from './added.ts';
import { ClientBatch } from './client-batch.ts';
import { ClientForwarder } from './client-forwarder.ts';
import { isOnePart, takeClientParts } from './client-parts.ts';
import { ClientScanner } from './client-scanner.ts';
import { LargeHead, largeHeadSize, streamedFrom } from './large-head.ts';
import { LargeLane, type Judged, type Passing } from './large-lane.ts';
import { LargeReading } from './large-reading.ts';
import { LocalStatements } from './local-statements.ts';
import { Pipeline } from './pipeline.ts';
import { PortalDescriber } from './portal-describer.ts';
import type { Relayed } from './relayed.ts';
import { SentBatch } from './sent-batch.ts';
import { ServerBatch } from './server-batch.ts';
import { ServerCutter, ServerScanner, type ServerPart } from './server-parts.ts';
import { TrafficBatch } from './traffic-batch.ts';

export interface ConversationOptions {
  readonly session: Session;
  /** The generation of hooks this session lives in. Which of them are tapped is looked at once, here. */
  readonly hooks: Hooks;
  readonly logger: Logger;
  /**
   * Bytes of the largest message that is collected for the taps. A larger one goes by in pieces where every tap of its
   * direction takes large messages, and ends the session with 54000 where one does not.
   */
  readonly maxMessageSize: number;
  /** Of the last ReadyForQuery; nothing may be in flight when a conversation is made. */
  readonly transactionStatus: TransactionStatus;
  /** What the client prepared in an earlier conversation. */
  readonly statements?: LocalStatements;
}

type Done = (result: Relayed) => void;

const nothing: readonly Buffer[] = [];
const nothingRelayed: Relayed = { toServer: nothing, toClient: nothing };
const noParts: readonly (readonly Buffer[])[] = [];
const noServerParts: readonly ServerPart[] = [];

/** What a client sent at once on its way through the taps, query by query. */
interface ClientRun {
  readonly parts: readonly (readonly Buffer[])[];
  next: number;
  /** What each part became; null before the first. */
  sent: SentPart[] | null;
  readonly done: Done;
}

/** What one part of what a client sent became. */
interface SentPart {
  readonly batch: ClientBatch;
  readonly bytes: readonly Buffer[];
  readonly asItCame: boolean;
}

/** Messages of the database on their way through the taps, part by part. */
interface ServerRun {
  readonly parts: readonly ServerPart[];
  next: number;
  /** Null while there is nothing. */
  toClient: Buffer[] | null;
  sent: TrafficBatch[] | null;
  end: WireError | null;
  readonly done: Done;
}

const streamed = (sender: Sender, takesLarge: boolean): readonly number[] => (takesLarge ? streamedFrom[sender] : []);

const clientIsTapped = (hooks: Hooks): boolean =>
  hooks.traffic.isUsed() || hooks.trafficFromClient.isUsed() || hooks.trafficToServer.isUsed();

const serverIsTapped = (hooks: Hooks): boolean => hooks.trafficFromServer.isUsed() || hooks.trafficToClient.isUsed();

/**
 * The traffic of one session after it is `opened`, shown to the traffic hooks and changed by them. Make one only when
 * one of the five traffic hooks is tapped; without taps a FrameScanner does for the session's own needs.
 *
 * The caller feeds every byte either side sends, in order, and writes what it gets:
 * - `done` is called exactly once for each chunk, unless `fromClient` or `fromServer` itself says that all of it goes on
 *   as it came: before it returns when every tap was synchronous, later otherwise.
 *   The next chunk of the same direction is fed only after it, and not from within it; the other direction goes on
 *   meanwhile.
 * - the chunk belongs to the conversation until `done`, and to the sockets until it is written. One that is borrowed is
 *   theirs only until `fromClient` or `fromServer` returns: what `done` is given before that may lie in it, what it is
 *   given later does not, for an asynchronous tap works on a copy.
 * - a chunk may give nothing (a message is not whole yet) or bytes for the other side (a local reply).
 * - after a result with `end` or `terminated`, and after `close`, nothing more is fed, and a `done` that is still due
 *   is not called.
 * - neither method throws: bytes that are no protocol give `end` with 08P01.
 */
export class Conversation {
  /** What the client prepared. */
  readonly statements: LocalStatements;
  readonly #session: Session;
  readonly #hooks: Hooks;
  readonly #logger: Logger;
  readonly #announced: boolean;
  readonly #toServerShown: boolean;
  readonly #toClientShown: boolean;
  readonly #pipeline: Pipeline;
  /** Where the side is tapped, its messages are collected; where it is not, they are passed on as they come. */
  readonly #clientReader: MessageReader | null;
  readonly #serverReader: MessageReader | null;
  /** Where all taps of the side take large messages. */
  readonly #clientLane: LargeLane | null;
  readonly #serverLane: LargeLane | null;
  readonly #clientForwarder: ClientForwarder;
  readonly #clientScanner: ClientScanner;
  readonly #serverCutter: ServerCutter;
  readonly #serverScanner: ServerScanner;
  readonly #maxMessageSize: number;
  /** The last ones that nobody has any more, to be used again. */
  #spareClientBatch: ClientBatch | null = null;
  #spareServerBatch: ServerBatch | null = null;
  #clientBusy = false;
  #serverBusy = false;
  #closed = false;

  constructor(options: ConversationOptions) {
    const { session, hooks, logger, maxMessageSize, transactionStatus } = options;
    const rowsWanted = hooks.trafficFromServer.isUsed();
    this.#session = session;
    this.#hooks = hooks;
    this.#logger = logger;
    this.#announced = hooks.traffic.isUsed();
    this.#toServerShown = hooks.trafficToServer.isUsed();
    this.#toClientShown = hooks.trafficToClient.isUsed();
    this.#pipeline = new Pipeline(transactionStatus, rowsWanted);
    this.statements = options.statements ?? new LocalStatements();
    const clientLarge = takeLargeMessages(hooks.trafficFromClient, hooks.trafficToServer);
    const serverLarge = takeLargeMessages(hooks.trafficFromServer, hooks.trafficToClient);
    this.#clientReader = this.#readerFor(hooks, maxMessageSize, clientLarge);
    this.#serverReader = serverIsTapped(hooks)
      ? new MessageReader(maxMessageSize, streamed('backend', serverLarge))
      : null;
    const headSize = Math.min(largeHeadSize, maxMessageSize);
    this.#clientLane = clientLarge ? this.#laneOfClient(this.#clientReader, headSize) : null;
    this.#serverLane = serverLarge ? this.#laneOfServer(this.#serverReader, headSize) : null;
    const describer = new PortalDescriber(this.#pipeline, rowsWanted);
    this.#clientForwarder = new ClientForwarder(this.#pipeline, describer, this.statements);
    this.#clientScanner = new ClientScanner(this.#pipeline, describer);
    this.#serverCutter = new ServerCutter(this.#pipeline);
    this.#serverScanner = new ServerScanner(this.#pipeline);
    this.#maxMessageSize = maxMessageSize;
  }

  /** Nothing in flight, nothing half received, no transaction: the session may move to another generation of hooks. */
  get idle(): boolean {
    return this.#pipeline.status === 'I' && this.quiet;
  }

  /** As `idle`, but for the transaction. */
  get quiet(): boolean {
    return (
      this.#pipeline.empty &&
      !this.#clientBusy &&
      !this.#clientForwarder.refusing &&
      this.#serverAtBoundary &&
      this.#clientAtBoundary &&
      (this.#serverReader?.atBoundary ?? true) &&
      (this.#serverLane?.atBoundary ?? true)
    );
  }

  /** A ReadyForQuery will come whatever the client does. */
  get answering(): boolean {
    return this.#pipeline.answering && this.#clientAtBoundary;
  }

  /** Of the last ReadyForQuery. */
  get transactionStatus(): TransactionStatus {
    return this.#pipeline.status;
  }

  /**
   * One chunk from the client's socket.
   * @param borrowed whether its bytes change when this returns
   * @returns whether it goes to the database as it came, and nothing else is to be done: then `done` is not called
   */
  fromClient(chunk: Buffer, done: Done, borrowed = false): boolean {
    if (this.#closed) return false;
    const reader = this.#clientReader;
    if (reader === null) this.#scanClient(chunk, done);
    else if (this.#clientLane !== null) this.#clientLane.feed(borrowed ? Buffer.from(chunk) : chunk, done);
    else if (!this.#toServerShown && reader.atBoundary && isOnePart(chunk, this.#maxMessageSize)) {
      return this.#showOnePart(chunk, done);
    } else this.#readClient(reader, chunk, done, borrowed);
    return false;
  }

  #readClient(reader: MessageReader, chunk: Buffer, done: Done, borrowed: boolean): void {
    let buffers: readonly Buffer[];
    try {
      buffers = reader.read(chunk);
    } catch (error) {
      return done(this.#endBy(error));
    }
    if (buffers.length === 0) return done(nothingRelayed);
    this.#showClient(buffers, done, borrowed);
  }

  /** The way of most of what clients send: where the taps leave it as it is, nothing is made but what they are shown. */
  #showOnePart(chunk: Buffer, done: Done): boolean {
    this.#clientBusy = true;
    const buffers = [chunk];
    const batch = this.#spareClientBatch?.show(buffers) ?? new ClientBatch(this.#session, buffers);
    this.#spareClientBatch = null;
    const answer = this.#askClient(batch);
    if (isPromise(answer)) {
      this.#awaitClient({ parts: noParts, next: 0, sent: null, done }, batch, answer);
      return false;
    }
    const sent = this.#forward(batch, outcomeOf(answer), done);
    if (sent === null) return false;
    if (sent.bytes !== buffers || this.#clientForwarder.terminated || this.#pipeline.hasReady) {
      this.#finishClient([sent], done);
      return false;
    }
    this.#clientBusy = false;
    batch.release();
    this.#spareClientBatch = batch;
    return true;
  }

  #showClient(buffers: readonly Buffer[], done: Done, borrowed: boolean): void {
    this.#clientBusy = true;
    let parts = takeClientParts(buffers);
    if (borrowed && parts.length > 1) parts = takeClientParts(copiesOf(buffers));
    this.#runClient({ parts, next: 0, sent: null, done });
  }

  /** One chunk from the database's socket; as `fromClient`. */
  fromServer(chunk: Buffer, done: Done, borrowed = false): boolean {
    if (this.#closed) return false;
    if (this.#serverLane !== null) {
      this.#serverLane.feed(borrowed ? Buffer.from(chunk) : chunk, done);
      return false;
    }
    let buffers: readonly Buffer[];
    try {
      if (this.#serverReader === null) {
        done({ toServer: nothing, toClient: this.#serverScanner.forward(chunk) });
        return false;
      }
      buffers = this.#serverReader.read(chunk);
    } catch (error) {
      done(this.#endBy(error));
      return false;
    }
    return this.#showServer(buffers, done, borrowed, buffers[0] === chunk && !this.#toClientShown);
  }

  /**
   * @param whole whether the caller can pass on what the buffers are by itself
   * @returns whether it is to do so: then `done` is not called
   */
  #showServer(buffers: readonly Buffer[], done: Done, borrowed: boolean, whole: boolean): boolean {
    let parts: readonly ServerPart[];
    try {
      parts = this.#serverCutter.cut(buffers);
    } catch (error) {
      done(this.#endBy(error));
      return false;
    }
    this.#serverBusy = true;
    const [first] = parts;
    if (whole && first?.buffers === buffers) return this.#showAllOfServer(first, done);
    if (borrowed && parts.length > 1) parts = parts.map((part) => ({ ...part, buffers: copiesOf(part.buffers) }));
    this.#runServer({ parts, next: 0, toClient: null, sent: null, end: null, done });
    return false;
  }

  /** As with `showOnePart`, the way of most of what the database sends. */
  #showAllOfServer(part: ServerPart, done: Done): boolean {
    const { buffers, shapes } = part;
    const batch = this.#spareServerBatch?.show(buffers, shapes) ?? new ServerBatch(this.#session, buffers, shapes);
    this.#spareServerBatch = null;
    const answer = bailNow(this.#hooks.trafficFromServer, batch);
    if (answer === undefined && batch.edits === null && !this.#closed) {
      this.#serverBusy = false;
      batch.release();
      this.#spareServerBatch = batch;
      return true;
    }
    const run: ServerRun = { parts: noServerParts, next: 0, toClient: null, sent: null, end: null, done };
    if (this.#takeServerAnswer(run, batch, part.local, answer)) this.#runServer(run);
    return false;
  }

  /** The connection is gone: pending taps' results are dropped, and `done` is not called any more. */
  close(): void {
    this.#closed = true;
    this.#clientLane?.close();
    this.#serverLane?.close();
  }

  #readerFor(hooks: Hooks, maxMessageSize: number, takesLarge: boolean): MessageReader | null {
    if (clientIsTapped(hooks)) return new MessageReader(maxMessageSize, streamed('frontend', takesLarge));
    // Nobody is shown anything, and what a plugin of an earlier generation answers is to be picked out all the same.
    return this.statements.answersSome ? new MessageReader(Infinity) : null;
  }

  /** The client has whole messages only. */
  get #clientAtBoundary(): boolean {
    return (this.#clientReader ?? this.#clientScanner).atBoundary && (this.#clientLane?.atBoundary ?? true);
  }

  /** Nothing of the database is on its way to the client, so that bytes of our own may go there. */
  get #serverAtBoundary(): boolean {
    return !this.#serverBusy && this.#serverScanner.atBoundary && (this.#serverLane?.open ?? true);
  }

  #laneOfClient(reader: MessageReader | null, headSize: number): LargeLane | null {
    if (reader === null) return null;
    return new LargeLane(reader, headSize, {
      whole: (buffers, done) => this.#showClient(buffers, done, false),
      judge: (head, judged) => this.#judgeClient(head, judged),
      pass: (bytes) => ({ toServer: [bytes], toClient: nothing }),
      settle: () => nothingRelayed,
      endBy: (error) => this.#endBy(error),
      end: (error) => this.#end(error, nothing),
    });
  }

  #laneOfServer(reader: MessageReader | null, headSize: number): LargeLane | null {
    if (reader === null) return null;
    return new LargeLane(reader, headSize, {
      whole: (buffers, done) => void this.#showServer(buffers, done, false, false),
      judge: (head, judged) => this.#judgeServer(head, judged),
      pass: (bytes) => ({ toServer: nothing, toClient: [bytes] }),
      settle: () => ({ toServer: nothing, toClient: this.#takeLocal() }),
      endBy: (error) => this.#endBy(error),
      end: (error) => this.#end(error, nothing),
    });
  }

  /** Local answers whose turn it is. */
  #takeLocal(): readonly Buffer[] {
    const local = this.#pipeline.takeReady();
    this.#observeBytes('trafficToClient', 'backend', local);
    return local;
  }

  #judgeClient(head: Buffer, judged: (judged: Judged) => void): void {
    const batch = new ClientBatch(this.#session, nothing, false, new LargeHead('frontend', head));
    whenAnswered(this.#askClient(batch), (verdict) => {
      if (this.#closed) return batch.release();
      const outcome = outcomeOf(verdict);
      try {
        if (outcome?.kind === 'terminate') return judged(this.#instead(batch, this.#end(outcome.error, nothing)));
        const sent =
          batch.edits === null
            ? this.#clientForwarder.forwardLarge(head, outcome)
            : this.#clientForwarder.forward(batch.output(), outcome);
        if (sent === null) return judged({ relayed: nothingRelayed, passing: this.#passing('trafficToServer', batch) });
        const toClient = this.#serverAtBoundary ? this.#takeLocal() : nothing;
        judged(this.#instead(batch, { toServer: sent, toClient }));
        this.#observeBytes('trafficToServer', 'frontend', sent);
      } catch (error) {
        judged(this.#instead(batch, this.#endBy(error)));
      }
    });
  }

  #judgeServer(head: Buffer, judged: (judged: Judged) => void): void {
    const batch = new ServerBatch(this.#session, nothing, [], false, new LargeHead('backend', head));
    whenAnswered(bailNow(this.#hooks.trafficFromServer, batch), (verdict) => {
      if (this.#closed) return batch.release();
      const outcome = outcomeOf(verdict);
      if (outcome !== null && outcome.kind !== 'reply') {
        return judged(this.#instead(batch, this.#end(outcome.error, nothing)));
      }
      this.#pipeline.received(head.readUInt8(0), head, 0, head.length);
      if (batch.edits === null) {
        return judged({ relayed: nothingRelayed, passing: this.#passing('trafficToClient', batch) });
      }
      const toClient = batch.output();
      judged({ relayed: { toServer: nothing, toClient }, passing: null });
      if (toClient.length > 0) this.#observe('trafficToClient', batch);
      else batch.release();
    });
  }

  /** Something else goes in the place of a large message. */
  #instead(batch: TrafficBatch, relayed: Relayed): Judged {
    batch.release();
    return { relayed, passing: null };
  }

  #passing(hook: 'trafficToServer' | 'trafficToClient', batch: TrafficBatch): Passing {
    return {
      readings: batch.readers.map((reader) => new LargeReading(reader, batch)),
      through: () => this.#observe(hook, batch),
      cut: () => batch.release(),
    };
  }

  /** Shows a batch of the client's to the taps that may change it. */
  #askClient(batch: ClientBatch): Answer<Verdict | void> {
    const { traffic, trafficFromClient } = this.#hooks;
    const announced = this.#announced ? seriesNow(traffic, this.#session) : undefined;
    if (!isPromise(announced)) return bailNow(trafficFromClient, batch);
    return announced.then(() => bailNow(trafficFromClient, batch));
  }

  #scanClient(chunk: Buffer, done: Done): void {
    let toServer: readonly Buffer[];
    try {
      toServer = this.#clientScanner.forward(chunk);
    } catch (error) {
      return done(this.#endBy(error));
    }
    done({ toServer, toClient: nothing, ...(this.#clientScanner.terminated ? { terminated: true } : {}) });
  }

  /** A loop, not a recursion: a chunk can hold thousands of queries. */
  #runClient(run: ClientRun): void {
    for (let part = run.parts[run.next]; part !== undefined; part = run.parts[run.next]) {
      if (this.#clientForwarder.terminated) break;
      run.next++;
      if (!this.#passClient(run, part)) return;
    }
    this.#finishClient(run.sent, run.done);
  }

  /** @returns whether the taps have settled and the session goes on; if they have not, the run goes on when they do */
  #passClient(run: ClientRun, buffers: readonly Buffer[]): boolean {
    const batch = new ClientBatch(this.#session, buffers);
    const answer = this.#askClient(batch);
    if (isPromise(answer)) {
      this.#awaitClient(run, batch, answer);
      return false;
    }
    this.#settleClient(run, batch, outcomeOf(answer));
    return !this.#closed;
  }

  #awaitClient(run: ClientRun, batch: ClientBatch, answer: Promise<Verdict | void | undefined>): void {
    batch.retain();
    void answer.then((verdict) => {
      this.#settleClient(run, batch, outcomeOf(verdict));
      if (!this.#closed) this.#runClient(run);
    });
  }

  #settleClient(run: ClientRun, batch: ClientBatch, outcome: Outcome | null): void {
    const sent = this.#forward(batch, outcome, run.done);
    if (sent !== null) run.sent = added(run.sent, sent);
    else for (const part of run.sent ?? []) part.batch.release();
  }

  /** @returns null when the session is over */
  #forward(batch: ClientBatch, outcome: Outcome | null, done: Done): SentPart | null {
    let end: Relayed | null = null;
    if (!this.#closed && outcome?.kind === 'terminate') end = this.#end(outcome.error, nothing);
    else if (!this.#closed) {
      try {
        const left = batch.output();
        const bytes = this.#clientForwarder.forward(left, outcome);
        return { batch, bytes, asItCame: bytes === left };
      } catch (error) {
        end = this.#endBy(error);
      }
    }
    batch.release();
    this.#clientBusy = false;
    if (end !== null) done(end);
    return null;
  }

  #finishClient(sent: readonly SentPart[] | null, done: Done): void {
    this.#clientBusy = false;
    const toServer = bytesOf(sent);
    const toClient = this.#serverAtBoundary ? this.#pipeline.takeReady() : nothing;
    done(this.#clientForwarder.terminated ? { toServer, toClient, terminated: true } : { toServer, toClient });
    if (sent === null) return this.#observeBytes('trafficToClient', 'backend', toClient);
    for (const { batch, bytes, asItCame } of sent) {
      if (asItCame) this.#observe('trafficToServer', batch);
      else {
        batch.release();
        this.#observeBytes('trafficToServer', 'frontend', bytes);
      }
    }
    this.#observeBytes('trafficToClient', 'backend', toClient);
  }

  /** A loop, not a recursion: a chunk can hold thousands of parts. */
  #runServer(run: ServerRun): void {
    for (
      let part = run.parts[run.next];
      part !== undefined;
      part = run.end === null ? run.parts[run.next] : undefined
    ) {
      run.next++;
      if (part.buffers.length > 0) {
        const batch = new ServerBatch(this.#session, part.buffers, part.shapes);
        const answer = bailNow(this.#hooks.trafficFromServer, batch);
        if (!this.#takeServerAnswer(run, batch, part.local, answer)) return;
      } else this.#sendLocal(run, part.local);
    }
    this.#finishServer(run);
  }

  /**
   * @param local what is to be sent behind the batch
   * @returns whether the taps have settled and the session goes on; if they have not, the run goes on when they do
   */
  #takeServerAnswer(
    run: ServerRun,
    batch: ServerBatch,
    local: readonly Buffer[],
    answer: Answer<Verdict | void>,
  ): boolean {
    if (!isPromise(answer)) {
      this.#settleServer(run, batch, local, outcomeOf(answer));
      return !this.#closed;
    }
    batch.retain();
    void answer.then((verdict) => {
      this.#settleServer(run, batch, local, outcomeOf(verdict));
      if (!this.#closed) this.#runServer(run);
    });
    return false;
  }

  #settleServer(run: ServerRun, batch: ServerBatch, local: readonly Buffer[], outcome: Outcome | null): void {
    if (this.#closed) return batch.release();
    if (outcome === null || outcome.kind === 'reply') {
      run.toClient = joined(run.toClient, batch.output());
      run.sent = added(run.sent, batch);
      this.#sendLocal(run, local);
    } else {
      batch.release();
      run.end = outcome.error;
    }
  }

  #sendLocal(run: ServerRun, local: readonly Buffer[]): void {
    if (local.length === 0) return;
    run.toClient = joined(run.toClient, local);
    if (!this.#isShown('trafficToClient')) return;
    run.sent = added(run.sent, new TrafficBatch(this.#session, 'backend', local));
  }

  #finishServer(run: ServerRun): void {
    this.#serverBusy = false;
    if (run.end === null) {
      this.#sendLocal(run, this.#pipeline.takeReady());
      run.done({ toServer: nothing, toClient: run.toClient ?? nothing });
    } else run.done(this.#end(run.end, run.toClient ?? nothing));
    if (run.sent !== null) for (const batch of run.sent) this.#observe('trafficToClient', batch);
  }

  #observeBytes(hook: 'trafficToServer' | 'trafficToClient', sender: Sender, bytes: readonly Buffer[]): void {
    if (bytes.length === 0 || !this.#isShown(hook)) return;
    this.#observe(hook, new TrafficBatch(this.#session, sender, bytes));
  }

  /** Shows what was sent, waits for nobody, and lets go of it when everybody has seen it. */
  #observe(hook: 'trafficToServer' | 'trafficToClient', batch: TrafficBatch): void {
    if (this.#isShown(hook)) this.#showSent(hook, batch);
    else batch.release();
  }

  #isShown(hook: 'trafficToServer' | 'trafficToClient'): boolean {
    return hook === 'trafficToServer' ? this.#toServerShown : this.#toClientShown;
  }

  #showSent(hook: 'trafficToServer' | 'trafficToClient', batch: TrafficBatch): void {
    const seen = seriesNow(this.#hooks[hook], new SentBatch(batch));
    if (!isPromise(seen)) return batch.release();
    batch.retain();
    void seen.then(() => batch.release());
  }

  #endBy(error: unknown): Relayed {
    if (!(error instanceof GatewayDError)) throw error;
    this.#logger.warn({ code: error.code, session: this.#session.id }, error.message);
    return this.#end({ sqlstate: error.sqlstate ?? 'XX000', message: error.message }, nothing);
  }

  #end(error: WireError, before: readonly Buffer[]): Relayed {
    this.close();
    const toClient =
      this.#serverScanner.atBoundary && this.#serverLane?.begun !== true
        ? [...before, encodeErrorResponse({ severity: 'FATAL', ...error })]
        : before;
    return { toServer: nothing, toClient, end: error };
  }
}

const copiesOf = (buffers: readonly Buffer[]): readonly Buffer[] => buffers.map((bytes) => Buffer.from(bytes));

function joined(before: Buffer[] | null, after: readonly Buffer[]): Buffer[] | null {
  let all = before;
  for (const bytes of after) all = added(all, bytes);
  return all;
}

function bytesOf(sent: readonly SentPart[] | null): readonly Buffer[] {
  if (sent === null) return nothing;
  const [only] = sent;
  return only !== undefined && sent.length === 1 ? only.bytes : sent.flatMap(({ bytes }) => bytes);
}

function isPromise<R>(answer: Answer<R>): answer is Promise<R | undefined> {
  return answer !== undefined && answer instanceof Promise;
}

function whenAnswered<R>(answer: Answer<R>, take: (result: R | undefined) => void): void {
  if (isPromise(answer)) void answer.then(take);
  else take(answer);
}

function outcomeOf(verdict: Verdict | void | undefined): Outcome | null {
  return Verdict.is(verdict) ? verdict.outcome : null;
}
