import { BackendCode } from '../protocol/codes.ts';
import { FrameScanner } from '../protocol/frame-scanner.ts';
import { Outgoing } from './outgoing.ts';
import type { Pipeline } from './pipeline.ts';
import type { RowShape } from './row-shape.ts';
import type { ShapeChange } from './server-batch.ts';

/** Messages of the database that go to the taps together, and what we answer ourselves right after them. */
export interface ServerPart {
  readonly buffers: readonly Buffer[];
  readonly shapes: readonly ShapeChange[];
  readonly local: readonly Buffer[];
}

/** Takes note of whole messages, leaves out what the client did not ask for, and cuts where a local answer has its turn. */
export function takeServerParts(pipeline: Pipeline, buffers: readonly Buffer[]): readonly ServerPart[] {
  const parts: ServerPart[] = [];
  let out = new Outgoing();
  let shapes: ShapeChange[] = [];
  let last: RowShape | null | undefined;
  const cut = (): void => {
    parts.push({ buffers: out.finish(), shapes, local: pipeline.takeReady() });
    out = new Outgoing();
    shapes = [];
    last = undefined;
  };
  for (const buffer of buffers) {
    let start = 0;
    while (start < buffer.length) {
      const end = start + 1 + buffer.readInt32BE(start + 1);
      const type = buffer.readUInt8(start);
      if (type === BackendCode.DataRow) {
        out.keep(buffer, start, end);
        const { shape } = pipeline;
        if (shape !== last) {
          shapes.push({ buffer: out.piece, start: start - out.pieceStart, shape });
          last = shape;
        }
      } else if (type === BackendCode.CopyData) out.keep(buffer, start, end);
      else {
        if (!pipeline.received(type, buffer, start, end)) out.keep(buffer, start, end);
        if (pipeline.hasReady) cut();
      }
      start = end;
    }
  }
  cut();
  return parts;
}

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
      if (type === BackendCode.ReadyForQuery) pipeline.readyForQuery(scanner.body);
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
