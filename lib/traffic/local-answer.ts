import type { Outcome } from '../hooks/verdict.ts';
import { backendKinds } from '../protocol/backend-messages.ts';
import { BodyWriter } from '../protocol/body-writer.ts';
import type { Format } from '../protocol/field-types.ts';
import { messages, textField } from '../protocol/messages.ts';
import { wireBytes } from '../protocol/protocol-message.ts';

export type Reply = Extract<Outcome, { kind: 'reply' }>;

/** Messages without a body that local answers are made of. */
export const parseComplete = wireBytes(messages.parseComplete());
export const bindComplete = wireBytes(messages.bindComplete());
const noData = wireBytes(messages.noData());
const portalSuspended = wireBytes(messages.portalSuspended());

/** What was executed: the bytes of the answer, and which row comes next. */
export interface Executed {
  readonly bytes: readonly Buffer[];
  readonly next: number;
}

/** What a plugin replied, in the form of each message that may ask for it. */
export class LocalAnswer {
  readonly #columns: readonly string[];
  readonly #rows: Buffer;
  /** Where each row begins, and where the last one ends. */
  readonly #edges: readonly number[];
  readonly #complete: Buffer;

  constructor({ columns, rows, command }: Reply) {
    const to = new BodyWriter(1024);
    const edges = [0];
    for (const row of rows) {
      backendKinds.DataRow.write(to, { values: row as readonly (string | null)[] });
      edges.push(to.length);
    }
    this.#columns = columns;
    this.#rows = to.finish();
    this.#edges = edges;
    this.#complete = wireBytes(messages.commandComplete(command ?? `SELECT ${rows.length}`));
  }

  /** To a simple query, but for ReadyForQuery. */
  simple(): Buffer[] {
    return this.#columns.length === 0 ? [this.#complete] : [this.describe([]), this.#rows, this.#complete];
  }

  /** To a Describe of a prepared statement that takes so many parameters. */
  describeStatement(parameterTypes: readonly number[]): Buffer[] {
    return [wireBytes(messages.parameterDescription(parameterTypes)), this.describe([])];
  }

  /** To a Describe of a portal. Text has the same bytes in both formats, so the one that was asked for is the right one. */
  describe(formats: readonly Format[]): Buffer {
    if (this.#columns.length === 0) return noData;
    const fields = this.#columns.map((name, number) => ({ ...textField, name, format: formatOf(formats, number) }));
    return wireBytes(messages.rowDescription(fields));
  }

  /** To an Execute that wants at most so many rows; 0 for all. */
  execute(from: number, maxRows: number): Executed {
    const count = this.#edges.length - 1;
    const to = maxRows > 0 ? Math.min(from + maxRows, count) : count;
    const rows = this.#rows.subarray(this.#edges[from], this.#edges[to]);
    // As PostgreSQL, which does not look whether there is another row once it has given as many as were asked for.
    if (maxRows > 0 && to === from + maxRows) return { bytes: [rows, portalSuspended], next: to };
    return { bytes: [rows, this.#complete], next: count };
  }

  /** To a FunctionCall: the first value of the first row. */
  functionCall(): Buffer {
    const length = this.#edges.length > 1 && this.#columns.length > 0 ? this.#rows.readInt32BE(7) : -1;
    const value = length === -1 ? null : this.#rows.subarray(11, 11 + length);
    return wireBytes(backendKinds.FunctionCallResponse.make({ value }));
  }
}

/** The format of one column by what a Bind asked for: nothing means text, one format is for all. */
function formatOf(formats: readonly Format[], number: number): Format {
  return formats[formats.length === 1 ? 0 : number] ?? 'text';
}
