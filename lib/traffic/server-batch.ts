import { GatewayDError } from '../errors.ts';
import type { FromServer, Row, Session } from '../hooks/payloads.ts';
import { openScope, type Scoped, type ScopedHandle } from '../hooks/scope.ts';
import { makeVerdict, type Verdict } from '../hooks/verdict.ts';
import { backendKinds } from '../protocol/backend-messages.ts';
import { BodyWriter } from '../protocol/body-writer.ts';
import { MessageSource } from '../protocol/message-source.ts';
import type { Message } from '../protocol/messages.ts';
import { messageEnd, messageSource, messageStart } from '../protocol/protocol-message.ts';
import { ServerHandle } from './batch-handle.ts';
import { trafficErrors } from './errors.ts';
import type { LargeHead } from './large-head.ts';
import type { RowShape } from './row-shape.ts';
import { TrafficBatch } from './traffic-batch.ts';
import { TrafficRow } from './traffic-row.ts';

/** From here on in a batch, rows have this shape. */
export interface ShapeChange {
  /** Number of the buffer, and the place in it. */
  readonly buffer: number;
  readonly start: number;
  readonly shape: RowShape | null;
}

const alive = (): void => {};

/** Payload of `trafficFromServer`. */
export class ServerBatch extends TrafficBatch implements FromServer, Scoped {
  #shapes: readonly ShapeChange[];

  /** @param shapes what the rows among the messages look like, in the order of the messages */
  constructor(
    session: Session,
    buffers: readonly Buffer[],
    shapes: readonly ShapeChange[],
    owned = false,
    largeHead: LargeHead | null = null,
  ) {
    super(session, 'backend', buffers, owned, largeHead);
    this.#shapes = shapes;
  }

  /** As `reset`, for what the database sent. */
  show(buffers: readonly Buffer[], shapes: readonly ShapeChange[]): this {
    this.reset(buffers);
    this.#shapes = shapes;
    return this;
  }

  mapRows(map: (row: Row) => Row | null): void {
    this.mapLiveRows(map, alive);
  }

  /** `mapRows`, with rows that ask whether their tap still runs. */
  mapLiveRows(map: (row: Row) => Row | null, checkLive: () => void): void {
    const kept: (Message | TrafficRow)[] = [];
    let changed = false;
    let run = -1;
    for (const message of this.items) {
      if (message.name !== 'DataRow') {
        kept.push(message);
        continue;
      }
      run = this.#runAt(message, run);
      const row = new TrafficRow(this.#shapeOf(run), message, checkLive);
      const mapped: unknown = map(row);
      row.seal();
      if (mapped !== row && mapped !== null) throw new GatewayDError(trafficErrors.PAYLOAD_BAD_ROW);
      changed ||= mapped === null || row.changed;
      if (mapped !== null) kept.push(row.changed ? row : message);
    }
    if (changed) this.edits = writeRows(kept);
  }

  terminate(sqlstate: string, message: string): Verdict {
    return makeVerdict({ kind: 'terminate', error: { sqlstate, message } });
  }

  refusal(sqlstate: string, message: string): Verdict {
    return this.terminate(sqlstate, message);
  }

  [openScope](): ScopedHandle {
    return new ServerHandle(this);
  }

  /** What the rows look like, by where each shape begins to hold in `output()` taken as one sequence of bytes. */
  shapesOfOutput(): readonly { readonly start: number; readonly shape: RowShape | null }[] {
    if (this.edits === null) {
      const starts: number[] = [];
      let length = 0;
      for (const { bytes } of this.sources) {
        starts.push(length);
        length += bytes.length;
      }
      return this.#shapes.map(({ buffer, start, shape }) => ({ start: (starts[buffer] ?? 0) + start, shape }));
    }
    const shapes: { start: number; shape: RowShape | null }[] = [];
    let start = 0;
    let run = -1;
    for (const message of this.edits) {
      const before = run;
      if (message.name === 'DataRow') run = this.#runAt(message, run);
      if (run !== before) shapes.push({ start, shape: this.#shapes[run]?.shape ?? null });
      start += messageEnd(message) - messageStart(message);
    }
    return shapes;
  }

  /** Number of the shape change that holds for a message. One that a tap put in goes by the message before it. */
  #runAt(message: Message, from: number): number {
    const buffer = this.sources.indexOf(messageSource(message));
    if (buffer === -1) return Math.max(from, 0);
    let run = from;
    for (;;) {
      const next = this.#shapes[run + 1];
      if (next === undefined || next.buffer > buffer) return run;
      if (next.buffer === buffer && next.start > messageStart(message)) return run;
      run++;
    }
  }

  #shapeOf(run: number): RowShape {
    const shape = this.#shapes[run]?.shape ?? null;
    if (shape === null) throw new GatewayDError(trafficErrors.PAYLOAD_NO_ROW_DESCRIPTION);
    return shape;
  }
}

/** Writes the changed rows into one buffer and puts messages in their place. */
function writeRows(items: readonly (Message | TrafficRow)[]): readonly Message[] {
  const to = new BodyWriter(4096);
  const ends: number[] = [];
  for (const item of items) {
    if (!(item instanceof TrafficRow)) continue;
    item.write(to);
    ends.push(to.length);
  }
  const source = new MessageSource(to.finish(), true);
  let start = 0;
  let written = 0;
  return items.map((item) => {
    if (!(item instanceof TrafficRow)) return item;
    const end = ends[written++] ?? start;
    const message = backendKinds.DataRow.at(source, start, end);
    start = end;
    return message;
  });
}
