import { types } from 'node:util';
import { classNameOf } from '../../lib/errors.ts';
import { readString } from './read.ts';

/** What errors of the language, of Node and of PostgreSQL's drivers are called. */
const known: ReadonlySet<string> = new Set([
  'Error',
  'AggregateError',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SuppressedError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AbortError',
  'AssertionError',
  'CompileError',
  'DataCloneError',
  'DOMException',
  'InvalidStateError',
  'LinkError',
  'NetworkError',
  'NotSupportedError',
  'OperationError',
  'RuntimeError',
  'SystemError',
  'TimeoutError',
  'DatabaseError',
  'GatewayDError',
  'PostgresError',
]);

/**
 * What kind of error it is, in a word that is code and not data: a name that everybody knows, or that of the class of
 * which it is, as the source of the class has it. A class can be made at run time, and its name of anything.
 * @param isInCode whether a class of that name is written in the code that made the error
 */
export function errorType(error: unknown, isInCode: (name: string) => boolean): string {
  if (typeof error !== 'object' || error === null) return 'NonError';
  if (types.isProxy(error)) return 'Error';
  const name = readString(error, 'name');
  const written = classNameOf(error);
  if (written !== '' && written !== 'Object' && !known.has(written) && isInCode(written)) return written;
  if (known.has(name) && name !== 'Error') return name;
  return known.has(written) ? written : 'Error';
}

/** The same for who may not know what the classes of a plugin are called. */
export function knownErrorType(error: unknown): string {
  return errorType(error, () => false);
}
