import type { WireError } from '../hooks/verdict.ts';
import type { MessageReader } from '../protocol/message-reader.ts';
import type { LargeReading } from './large-reading.ts';
import type { Relayed } from './relayed.ts';

/** What the taps decided about a large message when they had its beginning. */
export interface Judged {
  readonly relayed: Relayed;
  /** Null when something else goes in its place, or nothing. */
  readonly passing: Passing | null;
}

/** A large message on its way to the other side. */
export interface Passing {
  readonly readings: readonly LargeReading[];
  /** It is through. */
  readonly through: () => void;
  /** It will not be. */
  readonly cut: () => void;
}

/** One side of a conversation, for its lane. */
export interface LaneSide {
  /** Shows whole messages to the taps. */
  readonly whole: (buffers: readonly Buffer[], done: (relayed: Relayed) => void) => void;
  /** Shows the beginning of a large one to the taps. */
  readonly judge: (head: Buffer, judged: (judged: Judged) => void) => void;
  /** What has to be written to pass these bytes on. */
  readonly pass: (bytes: Buffer) => Relayed;
  /** What else has to be written now that all of a chunk is dealt with. */
  readonly settle: () => Relayed;
  readonly endBy: (error: unknown) => Relayed;
  readonly end: (error: WireError) => Relayed;
}

/** The large message there is just now. */
interface Large {
  readonly length: number;
  /** Bytes that have not come yet. */
  missing: number;
  /** While it is collected. */
  head: Buffer | null;
  passing: Passing | null;
}

const nothing = Buffer.alloc(0);

/**
 * What one side sends, where taps take large messages: whole messages go to the taps as ever, a large one goes by in
 * pieces, each when its readers are through with the one before. No more of it is kept than its beginning and a chunk.
 */
export class LargeLane {
  readonly #reader: MessageReader;
  readonly #headSize: number;
  readonly #side: LaneSide;
  /** What is still to be done of the chunk. */
  #rest: Buffer = nothing;
  #toServer: Buffer[] = [];
  #toClient: Buffer[] = [];
  #last: Relayed | null = null;
  #done: ((relayed: Relayed) => void) | null = null;
  #large: Large | null = null;
  #begun = false;
  #closed = false;

  /** @param headSize so much of a large message is collected for the taps; each is larger than that */
  constructor(reader: MessageReader, headSize: number, side: LaneSide) {
    this.#reader = reader;
    this.#headSize = headSize;
    this.#side = side;
  }

  /** No chunk is being dealt with, and no message is half received. */
  get atBoundary(): boolean {
    return this.#done === null && this.#large === null && this.#reader.atBoundary;
  }

  /** No chunk is being dealt with, and no message is half passed on. */
  get open(): boolean {
    return this.#done === null && !this.#begun;
  }

  /** A part of a large message was passed on, and the rest was not. */
  get begun(): boolean {
    return this.#begun;
  }

  feed(chunk: Buffer, done: (relayed: Relayed) => void): void {
    this.#rest = chunk;
    this.#done = done;
    this.#run();
  }

  /** The session is over: what is still waited for has no effect any more. */
  close(): void {
    const passing = this.#large?.passing ?? null;
    this.#closed = true;
    this.#large = null;
    if (passing === null) return;
    for (const reading of passing.readings) reading.cut();
    passing.cut();
  }

  /** A loop, not a recursion: a chunk can hold thousands of messages. */
  #run(): void {
    while (this.#last === null && !this.#closed && this.#rest.length > 0) if (!this.#step()) return;
    const done = this.#done;
    if (done === null) return;
    if (this.#last === null) {
      if (this.#closed) return;
      if (!this.#begun) this.#take(this.#side.settle());
    }
    const relayed = { ...this.#last, toServer: this.#toServer, toClient: this.#toClient };
    this.#toServer = [];
    this.#toClient = [];
    this.#done = null;
    done(relayed);
  }

  /** @returns whether it is dealt with; if it is not, the lane runs on when it is */
  #step(): boolean {
    const large = this.#large;
    if (large === null) return this.#readWhole();
    return large.head === null ? this.#pass(large) : this.#collect(large, large.head);
  }

  #readWhole(): boolean {
    const chunk = this.#rest;
    this.#rest = nothing;
    let buffers: readonly Buffer[];
    try {
      buffers = this.#reader.read(chunk);
    } catch (error) {
      this.#take(this.#side.endBy(error));
      return true;
    }
    const begun = this.#reader.takeLarge();
    const begin = (relayed: Relayed): void => {
      this.#take(relayed);
      if (begun === null || this.#last !== null) return;
      this.#large = { length: begun.length, missing: begun.length, head: nothing, passing: null };
      this.#rest = begun.bytes;
    };
    if (buffers.length > 0) return this.#wait((dealt) => this.#side.whole(buffers, dealt), begin);
    begin(none);
    return true;
  }

  /** Of the beginning there is a copy: the taps see it when the chunk is long gone. */
  #collect(large: Large, before: Buffer): boolean {
    const head = Buffer.concat([before, this.#rest.subarray(0, this.#headSize - before.length)]);
    this.#rest = this.#rest.subarray(head.length - before.length);
    large.head = head;
    if (head.length < this.#headSize) return true;
    return this.#wait<Judged>(
      (judged) => this.#side.judge(head, judged),
      ({ relayed, passing }) => {
        this.#take(relayed);
        large.head = null;
        large.passing = passing;
        if (passing === null) large.missing -= head.length;
        else {
          this.#rest = Buffer.concat([head, this.#rest]);
          for (const reading of passing.readings) reading.start();
        }
      },
    );
  }

  #pass(large: Large): boolean {
    const piece = this.#rest.subarray(0, large.missing);
    this.#rest = this.#rest.subarray(piece.length);
    const first = large.missing === large.length;
    large.missing -= piece.length;
    const last = large.missing === 0;
    const { passing } = large;
    if (passing === null) {
      if (last) this.#large = null;
      return true;
    }
    const { readings } = passing;
    return this.#wait<void>(
      (read) => {
        const body = first ? piece.subarray(5) : piece;
        eachOf(
          readings,
          (reading, stepped) => reading.offer(body, stepped),
          () => {
            if (last) eachOf(readings, (reading, stepped) => reading.end(stepped), read);
            else read();
          },
        );
      },
      () => {
        const error = readings.find((reading) => reading.error !== null)?.error ?? null;
        if (error !== null) return this.#take(this.#side.end(error));
        this.#take(this.#side.pass(piece));
        this.#begun = !last;
        if (!last) return;
        this.#large = null;
        passing.through();
      },
    );
  }

  #wait<T>(call: (dealt: (result: T) => void) => void, take: (result: T) => void): boolean {
    let dealtWith = false;
    let waiting = false;
    call((result) => {
      dealtWith = true;
      take(result);
      if (waiting) this.#run();
    });
    waiting = !dealtWith;
    return dealtWith;
  }

  #take(relayed: Relayed): void {
    for (const bytes of relayed.toServer) this.#toServer.push(bytes);
    for (const bytes of relayed.toClient) this.#toClient.push(bytes);
    if (relayed.end !== undefined || relayed.terminated === true) this.#last = relayed;
  }
}

const none: Relayed = { toServer: [], toClient: [] };

/** Begins a step of all, and calls `done` when each is through with it. */
function eachOf<T>(all: readonly T[], begin: (one: T, stepped: () => void) => void, done: () => void): void {
  let left = all.length;
  if (left === 0) return done();
  const stepped = (): void => {
    left--;
    if (left === 0) done();
  };
  for (const one of all) begin(one, stepped);
}
