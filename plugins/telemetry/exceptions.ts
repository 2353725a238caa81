import { GatewayDError, messageOf } from '../../lib/errors.ts';
import { errorType, knownErrorType } from './error-type.ts';
import { isInCodeOf, type Root, type SafeFrame, safeFrames } from './frames.ts';
import { isKnownCode, isKnownSqlstate } from './known-codes.ts';
import { parseStack } from './parse-stack.ts';
import { read, readString } from './read.ts';

/** An error as it is sent. */
export interface SafeException {
  type: string;
  value?: string;
  stacktrace?: { frames: SafeFrame[] };
}

/** How errors become what is sent of them. */
export interface ExceptionOptions {
  /** Whose frames are named. */
  readonly roots: readonly Root[];
  /** Whether what a plugin calls its own errors is withheld. */
  readonly withheld: boolean;
  /** Whether message texts are sent. */
  readonly messages: boolean;
}

const causeLimit = 4;
const stackLimit = 16 * 1024;
const messageLimit = 512;

function valueOf(error: unknown, messages: boolean): string {
  if (!messages) return GatewayDError.is(error) ? readString(error, 'template').slice(0, messageLimit) : '';
  return messageOf(error).slice(0, messageLimit);
}

/** The stack without its first lines, which repeat the message: lines of a message can look like frames. */
function tracedLines(error: unknown): string {
  const stack = readString(error, 'stack').slice(0, stackLimit);
  const message = readString(error, 'message');
  const at = message === '' ? -1 : stack.indexOf(message);
  return at === -1 ? stack : stack.slice(at + message.length);
}

function safeException(error: unknown, { roots, withheld, messages }: ExceptionOptions): SafeException {
  const value = valueOf(error, messages);
  const raw = parseStack(tracedLines(error));
  const frames = safeFrames(raw, roots);
  return {
    type: withheld ? knownErrorType(error) : errorType(error, isInCodeOf(raw, roots)),
    ...(value !== '' && { value }),
    ...(frames.length > 0 && { stacktrace: { frames } }),
  };
}

/** An error and its causes as they are sent, the innermost cause first, which is Sentry's order. */
export function safeExceptions(error: unknown, options: ExceptionOptions): SafeException[] {
  const chain: unknown[] = [];
  for (let next = error; chain.length < causeLimit && !chain.includes(next); next = read(next, 'cause')) {
    if (next == null && chain.length > 0) break;
    chain.push(next);
  }
  return chain.map((link) => safeException(link, options)).toReversed();
}

/** What of an error can be sent as tags: its code, or the SQLSTATE when a database gave it one, where it is a known one. */
export function codeTags(error: unknown): Record<string, string> {
  const code = readString(error, 'code');
  // Of an error whose template is known, the code is one of a catalogue of ours.
  if (GatewayDError.is(error) && readString(error, 'template') !== '') {
    const sqlstate = readString(error, 'sqlstate');
    return { code, ...(sqlstate !== '' && { sqlstate }) };
  }
  const sqlstate = readString(error, 'sqlstate') || code;
  return {
    ...(isKnownCode(code) && { code }),
    ...(isKnownSqlstate(sqlstate) && { sqlstate }),
  };
}
