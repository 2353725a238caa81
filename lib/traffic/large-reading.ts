import { GatewayDError } from '../errors.ts';
import type { LargeBody } from '../hooks/payloads.ts';
import type { Afterwards } from '../hooks/scope.ts';
import { makeVerdict, Verdict, type WireError } from '../hooks/verdict.ts';
import { trafficErrors } from './errors.ts';

/** What a tap wants called with the body of a large message. */
export interface LargeReader {
  readonly read: (body: LargeBody) => unknown;
  readonly tap: Afterwards;
}

interface Waiting {
  readonly resolve: (result: IteratorResult<Buffer, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const finished = { done: true, value: undefined } as const;

/** The body of a large message in the hands of one reader: a piece at a time, and the next one when it asks for it. */
export class LargeReading implements LargeBody {
  /** Why the session is to end. */
  error: WireError | null = null;
  readonly #reader: LargeReader;
  readonly #payload: unknown;
  #piece: Buffer | null = null;
  #waiting: Waiting | null = null;
  /** To be called when the step under way is done. */
  #stepped: (() => void) | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** The reader is in the middle of a piece. */
  #reading = false;
  /** It wants no more pieces. */
  #left = false;
  #ended = false;
  #settled = false;
  #cut: GatewayDError | null = null;

  constructor(reader: LargeReader, payload: unknown) {
    this.#reader = reader;
    this.#payload = payload;
  }

  start(): void {
    const { read, tap } = this.#reader;
    // A promise of our own: what the plugin's does when it is asked to settle is its own affair.
    void new Promise((resolve) => resolve(tap.call(() => read(this)))).then(
      (result) => this.#settle(() => this.#outcomeOf(result)),
      (error: unknown) => this.#settle(() => this.#failed(error ?? new Error(`rejected with ${error}`))),
    );
  }

  /** Gives the next piece; calls `stepped` when the reader is through with it. */
  offer(piece: Buffer, stepped: () => void): void {
    if (this.#settled || this.#left) return stepped();
    this.#step(stepped);
    const waiting = this.#waiting;
    if (waiting === null) this.#piece = Buffer.from(piece);
    else this.#give(waiting, piece);
  }

  /** There was the last piece; calls `stepped` when the reader is done. */
  end(stepped: () => void): void {
    if (this.#settled) return stepped();
    this.#ended = true;
    this.#step(stepped);
    this.#waiting?.resolve(finished);
    this.#waiting = null;
  }

  /** The session is over before the message was. */
  cut(): void {
    if (this.#settled) return;
    this.#cut = new GatewayDError(trafficErrors.PAYLOAD_CUT_SHORT);
    clearTimeout(this.#timer);
    this.#stepped = null;
    this.#piece = null;
    this.#waiting?.reject(this.#cut);
    this.#waiting = null;
  }

  terminate(sqlstate: string, message: string): Verdict {
    return makeVerdict({ kind: 'terminate', error: { sqlstate, message } });
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined> {
    return {
      next: () => this.#next(),
      return: () => {
        this.#left = true;
        this.#finishPiece();
        return Promise.resolve(finished);
      },
    };
  }

  #next(): Promise<IteratorResult<Buffer, undefined>> {
    return new Promise((resolve, reject) => {
      this.#finishPiece();
      if (this.#cut !== null) return reject(this.#cut);
      if (this.#settled || this.#left || this.#ended) return resolve(finished);
      const piece = this.#piece;
      this.#piece = null;
      if (piece === null) this.#waiting = { resolve, reject };
      else {
        this.#reading = true;
        resolve({ done: false, value: piece });
      }
    });
  }

  #give({ resolve }: Waiting, piece: Buffer): void {
    this.#waiting = null;
    this.#reading = true;
    resolve({ done: false, value: Buffer.from(piece) });
  }

  #finishPiece(): void {
    if (!this.#reading && !this.#left) return;
    this.#reading = false;
    if (this.#left) this.#piece = null;
    if (!this.#ended) this.#finishStep();
  }

  #outcomeOf(result: unknown): unknown {
    const outcome = this.#reader.tap.finished(this.#payload, result);
    if (!Verdict.is(outcome) || outcome.outcome.kind !== 'reply') return outcome;
    const reason = 'a part of the message it would answer has been passed on';
    return this.#reader.tap.failed(this.#payload, new GatewayDError(trafficErrors.PAYLOAD_BAD_REPLY, { reason }));
  }

  #settle(outcomeOf: () => unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    const outcome = outcomeOf();
    if (Verdict.is(outcome) && outcome.outcome.kind !== 'reply') this.error = outcome.outcome.error;
    this.#piece = null;
    this.#finishStep();
  }

  #step(stepped: () => void): void {
    const { tap } = this.#reader;
    this.#stepped = stepped;
    this.#timer = setTimeout(() => {
      // Whoever is late must not take what it has had for all there is.
      this.#cut = new GatewayDError(trafficErrors.PAYLOAD_CUT_SHORT);
      this.#settle(() => tap.failed(this.#payload));
    }, tap.limit);
  }

  #failed(error: unknown): unknown {
    return error === this.#cut ? undefined : this.#reader.tap.failed(this.#payload, error);
  }

  #finishStep(): void {
    clearTimeout(this.#timer);
    const stepped = this.#stepped;
    this.#stepped = null;
    stepped?.();
  }
}
