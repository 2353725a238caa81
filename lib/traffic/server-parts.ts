import { BackendCode } from '../protocol/codes.ts';
import { FrameScanner } from '../protocol/frame-scanner.ts';
import { added } from './added.ts';
import { Outgoing } from './outgoing.ts';
import type { Pipeline } from './pipeline.ts';
import type { RowShape } from './row-shape.ts';
import type { ShapeChange } from './server-batch.ts';
import { int32At } from '../protocol/int32-at.ts';

/** Messages of the database that go to the taps together, and what we answer ourselves right after them. */
export interface ServerPart {
  readonly buffers: readonly Buffer[];
  readonly shapes: readonly ShapeChange[];
  readonly local: readonly Buffer[];
}

/** Takes note of whole messages, leaves out what the client did not ask for, and cuts where a local answer has its turn. */
export class ServerCutter {
  readonly #pipeline: Pipeline;
  #parts: ServerPart[] | null = null;
  readonly #out = new Outgoing();
  #shapes: ShapeChange[] | null = null;
  #last: RowShape | null | undefined;

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  /**
   * @returns at least one part; `buffers` are the first's where they are all there is
   * @throws {GatewayDError} PAYLOAD_UNCERTAIN_ANSWERS
   */
  cut(buffers: readonly Buffer[]): readonly ServerPart[] {
    for (const buffer of buffers) this.#take(buffer);
    const parts = added(this.#parts, this.#endPart(buffers));
    this.#parts = null;
    return parts;
  }

  #take(buffer: Buffer): void {
    const pipeline = this.#pipeline;
    let start = 0;
    while (start < buffer.length) {
      const end = start + 1 + int32At(buffer, start + 1);
      const type = buffer[start] as number;
      if (type === BackendCode.DataRow) {
        this.#out.keep(buffer, start, end);
        if (pipeline.shape !== this.#last) this.#noteShape(start);
      } else if (type === BackendCode.CopyData) this.#out.keep(buffer, start, end);
      else {
        if (!pipeline.received(type, buffer, start, end)) this.#out.keep(buffer, start, end);
        if (pipeline.hasReady) this.#parts = added(this.#parts, this.#endPart(nothing));
      }
      start = end;
    }
  }

  #noteShape(start: number): void {
    const { shape } = this.#pipeline;
    const out = this.#out;
    this.#shapes = added(this.#shapes, { buffer: out.piece, start: start - out.pieceStart, shape });
    this.#last = shape;
  }

  #endPart(taken: readonly Buffer[]): ServerPart {
    const buffers = this.#out.finish(taken);
    const part = { buffers, shapes: this.#shapes ?? noShapes, local: this.#pipeline.takeReady() };
    this.#shapes = null;
    this.#last = undefined;
    return part;
  }
}

const nothing: readonly Buffer[] = [];
const noShapes: readonly ShapeChange[] = [];

/** Passes on what the database sends where only the client's side is tapped: all of it, and local answers between. */
export class ServerScanner {
  readonly #pipeline: Pipeline;
  readonly #scanner = new FrameScanner({ collect: [BackendCode.ReadyForQuery] });

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  get atBoundary(): boolean {
    return this.#scanner.atBoundary;
  }

  /** @throws {GatewayDError} PROTOCOL_BAD_LENGTH */
  forward(chunk: Buffer): readonly Buffer[] {
    const pipeline = this.#pipeline;
    const scanner = this.#scanner;
    const out = new Outgoing();
    let start = 0;
    scanner.feed(chunk);
    while (scanner.next()) {
      const { type, end } = scanner;
      if (type === BackendCode.DataRow || type === BackendCode.CopyData) continue;
      if (type === BackendCode.ReadyForQuery) pipeline.readyForQuery(scanner.firstByte);
      else pipeline.received(type, chunk, Math.max(scanner.start, 0), end);
      if (!pipeline.hasReady) continue;
      out.keep(chunk, start, end);
      for (const bytes of pipeline.takeReady()) out.put(bytes);
      start = end;
    }
    out.keep(chunk, start, chunk.length);
    return out.finish();
  }
}
