import { GatewayDError } from '../errors.ts';
import type { ReplyRows } from '../hooks/payloads.ts';
import { makeVerdict, type Verdict } from '../hooks/verdict.ts';
import { trafficErrors } from './errors.ts';

function bad(reason: string): GatewayDError {
  return new GatewayDError(trafficErrors.PAYLOAD_BAD_REPLY, { reason });
}

/** NUL ends a name on the wire. */
const name = (value: unknown): string => String(value).replaceAll('\0', '');

/**
 * A verdict with a copy of the rows, turned into text.
 * @throws {GatewayDError} PAYLOAD_BAD_REPLY
 */
export function replyVerdict({ columns, rows, command }: ReplyRows): Verdict {
  if (columns.length > 0xffff) throw bad(`${columns.length} columns`);
  const texts = rows.map((row, index) => {
    if (row.length !== columns.length) throw bad(`row ${index} has ${row.length} values for ${columns.length} columns`);
    // eslint-disable-next-line typescript/no-base-to-string -- what the plugin's value makes of itself is what is promised
    return row.map((value) => (value == null ? null : String(value)));
  });
  return makeVerdict({
    kind: 'reply',
    columns: columns.map(name),
    rows: texts,
    ...(command === undefined ? {} : { command: name(command) }),
  });
}
