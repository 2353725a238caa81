import { GatewayDError, messageOf } from '../../lib/errors.ts';
import type { RawFrame, SafeFrame } from './frames.ts';

/** An error as it is sent. */
export interface SafeException {
  type: string;
  value?: string;
  stacktrace?: { frames: SafeFrame[] };
}

/** How errors become what is sent of them. */
export interface ExceptionOptions {
  readonly parseStack: (stack: string) => readonly RawFrame[];
  readonly rewrite: (frames: readonly RawFrame[]) => SafeFrame[];
  /** Whether message texts are sent. */
  readonly messages: boolean;
}

const causeLimit = 4;
const frameLimit = 50;
const stackLimit = 16 * 1024;
const messageLimit = 512;

/** Reads a member of anything at all; whatever is thrown may have getters that throw, or be a Proxy. */
function read(from: unknown, key: string): unknown {
  try {
    return typeof from === 'object' && from !== null ? (from as Record<string, unknown>)[key] : undefined;
  } catch {
    return undefined;
  }
}

function readString(from: unknown, key: string): string {
  const value = read(from, key);
  return typeof value === 'string' ? value : '';
}

function typeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'NonError';
  const name = readString(error, 'name');
  return /^[A-Za-z_$][\w$]{0,63}$/.test(name) ? name : 'Error';
}

function isOurs(error: unknown): error is GatewayDError {
  try {
    return error instanceof GatewayDError;
  } catch {
    return false;
  }
}

function valueOf(error: unknown, messages: boolean): string {
  if (!messages) return isOurs(error) ? readString(error, 'template').slice(0, messageLimit) : '';
  return messageOf(error).slice(0, messageLimit);
}

/** The stack without its first lines, which repeat the message: lines of a message can look like frames. */
function tracedLines(error: unknown): string {
  const stack = readString(error, 'stack').slice(0, stackLimit);
  const message = readString(error, 'message');
  const at = message === '' ? -1 : stack.indexOf(message);
  return at === -1 ? stack : stack.slice(at + message.length);
}

function parsed(stack: string, parseStack: ExceptionOptions['parseStack']): readonly RawFrame[] {
  try {
    return parseStack(stack).slice(-frameLimit);
  } catch {
    return [];
  }
}

function safeException(error: unknown, { parseStack, rewrite, messages }: ExceptionOptions): SafeException {
  const value = valueOf(error, messages);
  const frames = rewrite(parsed(tracedLines(error), parseStack));
  return {
    type: typeOf(error),
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

/** What of an error can be sent as tags: its code, or the SQLSTATE when a database gave it one. */
export function codeTags(error: unknown): Record<string, string> {
  const code = readString(error, 'code');
  const sqlstate = readString(error, 'sqlstate') || (readString(error, 'severity') === '' ? '' : code);
  return {
    ...(/^[A-Z][A-Z0-9_]{0,63}$/.test(code) && { code }),
    ...(/^[0-9A-Z]{5}$/.test(sqlstate) && { sqlstate }),
  };
}
