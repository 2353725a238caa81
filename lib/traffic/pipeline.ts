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

/** Something that is still to be answered. What becomes known of it while it is the first is the pipeline's. */
export interface Pending {
  readonly expected: Expected;
  /** For DescribePortal and Execute, where shapes are wanted. */
  readonly portal: Portal | null;
  /** For Local. */
  readonly bytes: Buffer[] | null;
  /** We asked, not the client: the answer is not for it. */
  readonly hidden: boolean;
}

/** All of one kind are alike but for those that have a portal: nothing is made for each of the others. */
const pending = (expected: Expected): Pending => Object.freeze({ expected, portal: null, bytes: null, hidden: false });

/** What most messages that are sent are answered with. */
export const awaited = {
  Parse: pending('Parse'),
  Bind: pending('Bind'),
  DescribeStatement: pending('DescribeStatement'),
  DescribePortal: pending('DescribePortal'),
  Execute: pending('Execute'),
  Close: pending('Close'),
  Sync: pending('Sync'),
  Query: pending('Query'),
  FunctionCall: pending('FunctionCall'),
  CopyEnd: pending('CopyEnd'),
} as const;

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
  /** What is to come is from `#head` up to `#tail`. */
  #queue: (Pending | undefined)[] = [];
  #head = 0;
  #tail = 0;
  /** Of the first, where it has no portal: what its rows look like just now. */
  #shape: RowShape | null = null;
  /** Of the first: the database takes in a COPY. */
  #copying = false;
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
    const sent = this.#queue.slice(this.#head, this.#tail).map((each) => each?.expected);
    const copying = this.#copying && !sent.includes('CopyEnd');
    return !this.#lost && !copying && sent.some((expected) => expected !== undefined && endsSequence(expected));
  }

  get empty(): boolean {
    return this.#head === this.#tail && this.#ready.length === 0 && !this.#skipping && !this.#lost;
  }

  /** What the rows the database sends now look like; null when that is not known. */
  get shape(): RowShape | null {
    const first = this.#queue[this.#head];
    if (first === undefined) return null;
    return first.portal === null ? this.#shape : first.portal.shape;
  }

  /** A message was sent that will be answered. */
  expect(next: Pending): void {
    const { expected } = next;
    if (this.#skipping) {
      if (expected !== 'Sync') return;
      this.#skipping = false;
    }
    // While it takes in a COPY the database ignores Sync.
    if (this.#copying && expected === 'Sync' && this.#tail === this.#head + 1) {
      this.#passedOver += 1;
      return;
    }
    this.#queue[this.#tail++] = next;
    if (expected === 'CopyEnd') this.#settle();
  }

  /**
   * An answer of our own, due after those to everything sent before it.
   * @throws {GatewayDError} PAYLOAD_TOO_MANY_REPLIES when more of them wait than can be kept
   */
  answer(bytes: readonly Buffer[]): void {
    if (this.#skipping) return;
    if (this.#head === this.#tail) return append(this.#ready, bytes);
    this.#countWaiting(bytes);
    const last = this.#queue[this.#tail - 1];
    if (last !== undefined && last.bytes !== null) append(last.bytes, bytes);
    else this.#queue[this.#tail++] = { expected: 'Local', portal: null, bytes: [...bytes], hidden: false };
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
    switch (type) {
      case BackendCode.ReadyForQuery:
        this.readyForQuery(end > start + 5 ? message[start + 5] : undefined);
        return false;
      case BackendCode.ErrorResponse:
        this.#failed();
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
        if (this.#queue[this.#head]?.expected === 'Execute') this.#shift();
        return false;
      case BackendCode.CopyInResponse:
        this.#beginCopy();
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
    if (this.#head === this.#tail) this.#skipping = false;
    this.#endSequence();
  }

  #failed(): void {
    const first = this.#queue[this.#head];
    this.#copying = false;
    if (this.#passedOver > 0) this.#lose();
    if (first !== undefined && !endsSequence(first.expected)) this.#skipToSync();
  }

  /** The same again where the database says the same again, as it does of a statement that is executed many times. */
  #shapeOf(message: Buffer, start: number, end: number): RowShape {
    const last = this.#lastShape;
    if (last !== null && isAt(last.description, message, start, end)) return last;
    return (this.#lastShape = new RowShape(Buffer.from(message.subarray(start, end))));
  }

  #describe(shape: RowShape | null): boolean {
    const first = this.#queue[this.#head];
    if (first === undefined) return false;
    if (first.expected !== 'DescribeStatement' && first.expected !== 'DescribePortal') {
      this.#shape = shape;
      return false;
    }
    if (first.portal !== null) first.portal.shape = shape;
    this.#shift();
    return first.hidden;
  }

  #beginCopy(): void {
    if (this.#head === this.#tail) return;
    this.#copying = true;
    // A Sync that was sent along with the Execute arrives while the database takes in the COPY, and is ignored.
    while (this.#queue[this.#head + 1]?.expected === 'Sync') {
      this.#queue.splice(this.#head + 1, 1);
      this.#tail--;
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
    const behind = this.#queue.slice(this.#head + 1, this.#tail);
    const usual = behind.every((each) => each?.expected === 'Sync' || each?.expected === 'CopyEnd');
    if (this.#passedOver > 1 || !usual) throw new GatewayDError(trafficErrors.PAYLOAD_UNCERTAIN_ANSWERS);
  }

  #endSequence(): void {
    for (let first = this.#next(); first !== undefined; first = this.#next()) {
      if (endsSequence(first.expected)) break;
    }
    this.#settle();
  }

  #skipToSync(): void {
    for (;;) {
      const first = this.#queue[this.#head];
      if (first === undefined) {
        this.#skipping = true;
        return;
      }
      if (first.expected === 'Sync') return;
      if (first.expected === 'DescribePortal' && first.portal !== null) first.portal.described = false;
      this.#next();
    }
  }

  #shift(): void {
    this.#next();
    this.#settle();
  }

  /** Takes the first of the queue. */
  #next(): Pending | undefined {
    const first = this.#queue[this.#head];
    if (first === undefined) return undefined;
    this.#queue[this.#head++] = undefined;
    this.#shape = null;
    this.#copying = false;
    if (first.bytes !== null) this.#waiting -= sizeOf(first.bytes);
    if (this.#head === this.#tail) {
      // To make an array shorter takes longer than all the rest of this.
      if (this.#tail > keptRoom) this.#queue = [];
      this.#head = 0;
      this.#tail = 0;
    } else if (this.#head > keptRoom) {
      this.#queue = this.#queue.slice(this.#head, this.#tail);
      this.#tail -= this.#head;
      this.#head = 0;
    }
    return first;
  }

  /** What comes first now and needs no answer is done. */
  #settle(): void {
    for (;;) {
      const first = this.#queue[this.#head];
      if (first === undefined || (first.expected !== 'Local' && first.expected !== 'CopyEnd')) return;
      if (first.bytes !== null) append(this.#ready, first.bytes);
      this.#next();
    }
  }
}

/** Room for so many that were in flight at once is kept for the next ones. */
const keptRoom = 1024;

/** Up to here looking at each byte takes less than calling out of JavaScript. */
const shortLength = 256;

function isAt(bytes: Buffer, message: Buffer, start: number, end: number): boolean {
  const { length } = bytes;
  if (length !== end - start) return false;
  if (length > shortLength) return message.compare(bytes, 0, length, start, end) === 0;
  for (let index = 0; index < length; index++) if (bytes[index] !== message[start + index]) return false;
  return true;
}

/** Not `push(...bytes)`: a client may have more answers waiting than a call takes arguments. */
function append(to: Buffer[], bytes: readonly Buffer[]): void {
  for (const each of bytes) to.push(each);
}

const sizeOf = (bytes: readonly Buffer[]): number => bytes.reduce((sum, { length }) => sum + length, 0);
