import { BackendCode, transactionStatus, type TransactionStatus } from '../protocol/codes.ts';
import { GatewayDError } from '../errors.ts';
import { trafficErrors } from './errors.ts';
import { RowShape } from './row-shape.ts';

/** What a message that was sent to the database is answered with: the replies are named for the messages. */
export type Expected =
  | 'Parse'
  | 'Bind'
  | 'DescribeStatement'
  | 'DescribePortal'
  | 'Execute'
  | 'Close'
  | 'Sync'
  | 'Query'
  | 'FunctionCall'
  /** No reply: marks where the client ended a COPY. */
  | 'CopyEnd'
  /** No message: bytes of our own whose turn it is when they come first. */
  | 'Local';

/** A portal whose rows a tap may want to read. */
export interface Portal {
  /** What its rows look like; null while that is not known, and when it has none. */
  shape: RowShape | null;
  /** Whether a Describe for it was sent. */
  described: boolean;
}

/** Something that is still to be answered. */
export interface Pending {
  readonly expected: Expected;
  /** For DescribePortal and Execute, where shapes are wanted. */
  readonly portal?: Portal;
  /** For Local. */
  readonly bytes?: Buffer[];
  /** We asked, not the client: the answer is not for it. */
  readonly hidden?: boolean;
  /** For Query: what its rows look like just now. */
  shape?: RowShape | null;
  /** The database takes in a COPY. */
  copying?: boolean;
}

/** Bytes of local answers that may wait for the database's: a client could have any number of them made for next to nothing. */
const waitingLimit = 16 * 1024 * 1024;

const nothing: readonly Buffer[] = [];

const endsSequence = (expected: Expected): boolean =>
  expected === 'Sync' || expected === 'Query' || expected === 'FunctionCall';

/**
 * What is in flight between a client and its database: the queue of what each message that was sent is to be answered
 * with, and the local answers that wait between them.
 */
export class Pipeline {
  readonly #wantsShapes: boolean;
  #queue: Pending[] = [];
  #head = 0;
  #ready: Buffer[] = [];
  /** Bytes of the local answers in the queue. */
  #waiting = 0;
  #status: TransactionStatus;
  #lastShape: RowShape | null = null;
  #skipping = false;
  /** How many Syncs were taken for ones that the COPY under way ignores. */
  #passedOver = 0;
  /** How many ReadyForQuery are still to come cannot be known any more. */
  #lost = false;

  /** @param wantsShapes false where nobody will ask for `shape`: RowDescriptions are not kept then */
  constructor(status: TransactionStatus, wantsShapes: boolean) {
    this.#status = status;
    this.#wantsShapes = wantsShapes;
  }

  /** Of the last ReadyForQuery. */
  get status(): TransactionStatus {
    return this.#status;
  }

  /** An extended query failed and its Sync has not been sent: the database ignores everything before that. */
  get skipping(): boolean {
    return this.#skipping;
  }

  /** A ReadyForQuery will come whatever the client does. */
  get answering(): boolean {
    const pending = this.#queue.slice(this.#head);
    const copying = pending[0]?.copying === true && !pending.some(({ expected }) => expected === 'CopyEnd');
    return !this.#lost && !copying && pending.some(({ expected }) => endsSequence(expected));
  }

  get empty(): boolean {
    return this.#head === this.#queue.length && this.#ready.length === 0 && !this.#skipping && !this.#lost;
  }

  /** What the rows the database sends now look like; null when that is not known. */
  get shape(): RowShape | null {
    const pending = this.#queue[this.#head];
    if (pending === undefined) return null;
    return pending.portal === undefined ? (pending.shape ?? null) : pending.portal.shape;
  }

  /** A message was sent that will be answered. */
  expect(pending: Pending): void {
    if (this.#skipping) {
      if (pending.expected !== 'Sync') return;
      this.#skipping = false;
    }
    // While it takes in a COPY the database ignores Sync.
    if (pending.expected === 'Sync' && this.#queue.at(-1)?.copying === true) {
      this.#passedOver += 1;
      return;
    }
    this.#queue.push(pending);
    this.#settle();
  }

  /**
   * An answer of our own, due after those to everything sent before it.
   * @throws {GatewayDError} PAYLOAD_TOO_MANY_REPLIES when more of them wait than can be kept
   */
  answer(bytes: readonly Buffer[]): void {
    if (this.#skipping) return;
    const last = this.#head < this.#queue.length ? this.#queue.at(-1) : undefined;
    if (last !== undefined) this.#countWaiting(bytes);
    if (last?.bytes !== undefined) append(last.bytes, bytes);
    else if (last !== undefined) this.#queue.push({ expected: 'Local', bytes: [...bytes] });
    else append(this.#ready, bytes);
  }

  #countWaiting(bytes: readonly Buffer[]): void {
    this.#waiting += sizeOf(bytes);
    if (this.#waiting <= waitingLimit) return;
    throw new GatewayDError(trafficErrors.PAYLOAD_TOO_MANY_REPLIES, { limit: waitingLimit });
  }

  /** Whether there are local answers whose turn it is. */
  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** Local answers whose turn it is. */
  takeReady(): readonly Buffer[] {
    if (this.#ready.length === 0) return nothing;
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /**
   * The database sent a message that is not a DataRow or CopyData.
   * @param message holds it from `start` to `end`; of other types than ReadyForQuery, and RowDescription where shapes are
   * wanted, it need not be there
   * @returns whether the client did not ask for it
   * @throws {GatewayDError} PAYLOAD_UNCERTAIN_ANSWERS
   */
  received(type: number, message: Buffer, start: number, end: number): boolean {
    const pending = this.#queue[this.#head];
    switch (type) {
      case BackendCode.ReadyForQuery:
        this.readyForQuery(end > start + 5 ? message[start + 5] : undefined);
        return false;
      case BackendCode.ErrorResponse:
        if (pending?.copying === true) pending.copying = false;
        if (this.#passedOver > 0) this.#lose();
        if (pending !== undefined && !endsSequence(pending.expected)) this.#skipToSync();
        return false;
      case BackendCode.RowDescription:
        return this.#describe(this.#wantsShapes ? this.#shapeOf(message, start, end) : null);
      case BackendCode.NoData:
        return this.#describe(null);
      case BackendCode.ParseComplete:
      case BackendCode.BindComplete:
      case BackendCode.CloseComplete:
        this.#shift();
        return false;
      case BackendCode.CommandComplete:
      case BackendCode.EmptyQueryResponse:
      case BackendCode.PortalSuspended:
        this.#passedOver = 0;
        if (pending?.expected === 'Execute') this.#shift();
        return false;
      case BackendCode.CopyInResponse:
        this.#beginCopy(pending);
        return false;
      default:
        return false;
    }
  }

  /**
   * The database is done with a Sync, Query or FunctionCall.
   * @param byte the first of the ReadyForQuery's body
   */
  readyForQuery(byte: number | undefined): void {
    this.#status = transactionStatus(byte);
    this.#passedOver = 0;
    if (this.#head === this.#queue.length) this.#skipping = false;
    this.#endSequence();
  }

  /** The same again where the database says the same again, as it does of a statement that is executed many times. */
  #shapeOf(message: Buffer, start: number, end: number): RowShape {
    const { description } = this.#lastShape ?? {};
    const known = description?.length === end - start && message.compare(description, 0, end - start, start, end) === 0;
    if (!known) this.#lastShape = new RowShape(Buffer.from(message.subarray(start, end)));
    return this.#lastShape as RowShape;
  }

  #describe(shape: RowShape | null): boolean {
    const pending = this.#queue[this.#head];
    if (pending === undefined) return false;
    if (pending.expected !== 'DescribeStatement' && pending.expected !== 'DescribePortal') {
      pending.shape = shape;
      return false;
    }
    if (pending.portal !== undefined) pending.portal.shape = shape;
    this.#shift();
    return pending.hidden === true;
  }

  #beginCopy(pending: Pending | undefined): void {
    if (pending === undefined) return;
    pending.copying = true;
    // A Sync that was sent along with the Execute arrives while the database takes in the COPY, and is ignored.
    while (this.#queue[this.#head + 1]?.expected === 'Sync') {
      this.#queue.splice(this.#head + 1, 1);
      this.#passedOver += 1;
    }
  }

  /**
   * A COPY failed that a Sync was sent to. The database may have come to it before, and ignored it, or after, and
   * answers it. Drivers send one along with the Execute and nothing more before its data is through: it was ignored,
   * and at worst the session is never idle again. What is sent behind by others could be given answers of other requests.
   */
  #lose(): void {
    this.#lost = true;
    const behind = this.#queue.slice(this.#head + 1);
    const usual = behind.every(({ expected }) => expected === 'Sync' || expected === 'CopyEnd');
    if (this.#passedOver > 1 || !usual) throw new GatewayDError(trafficErrors.PAYLOAD_UNCERTAIN_ANSWERS);
  }

  #endSequence(): void {
    for (let pending = this.#next(); pending !== undefined; pending = this.#next()) {
      if (endsSequence(pending.expected)) break;
    }
    this.#settle();
  }

  #skipToSync(): void {
    for (;;) {
      const pending = this.#queue[this.#head];
      if (pending === undefined) {
        this.#skipping = true;
        return;
      }
      if (pending.expected === 'Sync') return;
      if (pending.expected === 'DescribePortal' && pending.portal !== undefined) pending.portal.described = false;
      this.#next();
    }
  }

  #shift(): void {
    this.#next();
    this.#settle();
  }

  /** Takes the first of the queue. */
  #next(): Pending | undefined {
    const pending = this.#queue[this.#head];
    if (pending === undefined) return undefined;
    this.#head++;
    if (pending.bytes !== undefined) this.#waiting -= sizeOf(pending.bytes);
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return pending;
  }

  /** What comes first now and needs no answer is done. */
  #settle(): void {
    for (;;) {
      const pending = this.#queue[this.#head];
      if (pending?.expected !== 'Local' && pending?.expected !== 'CopyEnd') return;
      if (pending.bytes !== undefined) append(this.#ready, pending.bytes);
      this.#next();
    }
  }
}

/** Not `push(...bytes)`: a client may have more answers waiting than a call takes arguments. */
function append(to: Buffer[], bytes: readonly Buffer[]): void {
  for (const each of bytes) to.push(each);
}

const sizeOf = (bytes: readonly Buffer[]): number => bytes.reduce((sum, { length }) => sum + length, 0);
