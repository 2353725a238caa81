import { GatewayDError } from '../errors.ts';
import { BackendCode } from './codes.ts';
import { protocolErrors } from './errors.ts';

export type ErrorSeverity = 'ERROR' | 'FATAL' | 'PANIC';
export type NoticeSeverity = 'WARNING' | 'NOTICE' | 'DEBUG' | 'INFO' | 'LOG';

/** The fields of an ErrorResponse or NoticeResponse, by PostgreSQL's names for them. */
export interface ErrorFields {
  /** Not localised; sent both as the field S, which old clients read, and as V. */
  readonly severity: ErrorSeverity | NoticeSeverity | (string & {});
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly position?: string;
  readonly internalPosition?: string;
  readonly internalQuery?: string;
  readonly where?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly dataType?: string;
  readonly constraint?: string;
  readonly file?: string;
  readonly line?: string;
  readonly routine?: string;
}

const letters: readonly (readonly [letter: string, field: keyof ErrorFields])[] = [
  ['S', 'severity'],
  ['V', 'severity'],
  ['C', 'sqlstate'],
  ['M', 'message'],
  ['D', 'detail'],
  ['H', 'hint'],
  ['P', 'position'],
  ['p', 'internalPosition'],
  ['q', 'internalQuery'],
  ['W', 'where'],
  ['s', 'schema'],
  ['t', 'table'],
  ['c', 'column'],
  ['d', 'dataType'],
  ['n', 'constraint'],
  ['F', 'file'],
  ['L', 'line'],
  ['R', 'routine'],
];
const fieldOf = new Map(letters.map(([letter, field]) => [letter.charCodeAt(0), field]));

/** The body of an ErrorResponse or NoticeResponse. NUL characters are left out. */
export function encodeErrorFields(fields: ErrorFields): Buffer {
  let text = '';
  for (const [letter, field] of letters) {
    const value = fields[field];
    // A NUL would end the field early and turn its rest into fields of its own.
    if (value !== undefined) text += `${letter}${value.replaceAll('\0', '')}\0`;
  }
  return Buffer.from(`${text}\0`);
}

function encode(type: number, fields: ErrorFields): Buffer {
  const body = encodeErrorFields(fields);
  const bytes = Buffer.allocUnsafe(body.length + 5);
  bytes.writeUInt8(type, 0);
  bytes.writeInt32BE(body.length + 4, 1);
  body.copy(bytes, 5);
  return bytes;
}

/** The bytes of an ErrorResponse, type byte and length included. NUL characters are left out. */
export function encodeErrorResponse(fields: ErrorFields): Buffer {
  return encode(BackendCode.ErrorResponse, fields);
}

/** The bytes of a NoticeResponse, type byte and length included. NUL characters are left out. */
export function encodeNoticeResponse(fields: ErrorFields): Buffer {
  return encode(BackendCode.NoticeResponse, fields);
}

/**
 * Reads the body (without type byte and length) of an ErrorResponse or NoticeResponse. Fields it does not know are
 * passed over, as the protocol asks; a missing severity, SQLSTATE or message reads as the empty string.
 * @throws {GatewayDError} PROTOCOL_BAD_MESSAGE
 */
export function parseErrorFields(body: Buffer): ErrorFields {
  const fields: { -readonly [K in keyof ErrorFields]: ErrorFields[K] } = { severity: '', sqlstate: '', message: '' };
  let position = 0;
  for (;;) {
    const letter = body[position];
    if (letter === 0) return fields;
    const end = body.indexOf(0, position + 1);
    if (letter === undefined || end === -1) {
      throw new GatewayDError(protocolErrors.PROTOCOL_BAD_MESSAGE, {
        name: 'ErrorResponse',
        reason: 'a field has no end',
      });
    }
    const field = fieldOf.get(letter);
    // V comes after S and is the one that is never localised.
    if (field !== undefined) fields[field] = body.toString('utf8', position + 1, end);
    position = end + 1;
  }
}
