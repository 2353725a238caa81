import {
  classNameOf,
  GatewayDError,
  messageOf,
  nameClassOf,
  type ErrorDefinition,
  type ErrorValues,
} from '../errors.ts';
import { hooksErrors } from '../hooks/errors.ts';
import { pluginErrors } from '../plugin/errors.ts';
import { protocolErrors } from '../protocol/errors.ts';
import { trafficErrors } from '../traffic/errors.ts';
import { isolationErrors } from './errors.ts';
import { list } from './expected.ts';

/** A value in the form in which it crosses: errors and containers taken apart, anything else as it is. */
export type Crossed =
  | { readonly is: 'plain'; readonly value: unknown }
  | { readonly is: 'error'; readonly error: CrossedError }
  | { readonly is: 'list'; readonly items: readonly Crossed[] }
  | { readonly is: 'record'; readonly entries: readonly (readonly [string, Crossed])[] };

interface CrossedError {
  readonly name: string;
  /** What its class is called in its source; empty where that cannot be told. */
  readonly className: string;
  readonly message: string;
  readonly stack: string;
  /** Own members, `code` and `cause` among them. */
  readonly members: readonly (readonly [string, Crossed])[];
  /** For an error of a catalogue of gatewayd's. */
  readonly values: ErrorValues | null;
}

/** Deeper than that, and more than that of one thing, nobody reads; data that goes round ends here too. */
const deepest = 12;
const longestList = 10_000;
const longestText = 64 * 1024;

/** Told of what was left behind: where in the value, and what it is. */
export type LeftBehind = (path: string, kind: string) => void;

const nobody: LeftBehind = () => {};

/** Takes a value apart so that it can cross whatever it is. Never throws; what cannot cross is left out and told of. */
export function cross(value: unknown, leftBehind: LeftBehind = nobody, path = '', depth = 0): Crossed {
  try {
    return crossUnguarded(value, leftBehind, path, depth);
  } catch (error) {
    leftBehind(path, messageOf(error));
    return plain(`[${messageOf(error)}]`);
  }
}

const plain = (value: unknown): Crossed => ({ is: 'plain', value });

function crossUnguarded(value: unknown, leftBehind: LeftBehind, path: string, depth: number): Crossed {
  if (typeof value === 'function' || typeof value === 'symbol') {
    leftBehind(path, `a ${typeof value}`);
    return plain(undefined);
  }
  if (typeof value !== 'object' || value === null) return plain(value);
  if (depth >= deepest) {
    leftBehind(path, 'what lies deeper than 12 levels');
    return plain(undefined);
  }
  const inner = (member: string, at: unknown): Crossed =>
    cross(at, leftBehind, path === '' ? member : `${path}.${member}`, depth + 1);
  if (value instanceof Error) return { is: 'error', error: crossError(value, inner) };
  if (Array.isArray(value)) {
    if (value.length > longestList) leftBehind(path, `what comes after ${longestList} items`);
    // Not by map(), which leaves the holes of a list as they are.
    const items = Array.from({ length: Math.min(value.length, longestList) }, (_, index) =>
      inner(String(index), value[index]),
    );
    return { is: 'list', items };
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return plain(structuredClone(value));
  return { is: 'record', entries: Object.entries(value).map(([key, at]) => [key, inner(key, at)] as const) };
}

const shortened = (text: unknown): string => {
  const whole = typeof text === 'string' ? text : String(text);
  return whole.length > longestText ? `${whole.slice(0, longestText)}…` : whole;
};

function crossError(error: Error, inner: (member: string, value: unknown) => Crossed): CrossedError {
  const own = Object.getOwnPropertyNames(error).filter((name) => name !== 'stack' && name !== 'message');
  const isOurs = GatewayDError.is(error);
  const members = own.filter((name) => !(isOurs && ownMembers.has(name)));
  return {
    name: shortened(error.name),
    className: classNameOf(error),
    message: shortened(error.message),
    stack: shortened(error.stack ?? ''),
    members: members.map((name) => [name, inner(name, (error as unknown as Record<string, unknown>)[name])] as const),
    values: isOurs ? error.values : null,
  };
}

const ownMembers = new Set(['name', 'template', 'values', 'mend', 'sqlstate']);
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * Puts together what crossed. What it is given may come from anybody.
 * @throws {TypeError} where that is not what `cross` makes
 */
export function uncross(crossed: unknown, depth = 0): unknown {
  if (!isRecord(crossed) || depth > deepest + 1) throw new TypeError('no value that crossed');
  switch (crossed['is']) {
    case 'plain':
      return crossed['value'];
    case 'error':
      return uncrossError(crossed['error'], depth);
    case 'list':
      return list(crossed['items']).map((item) => uncross(item, depth + 1));
    case 'record':
      return Object.fromEntries(uncrossEntries(crossed['entries'], depth));
    default:
      throw new TypeError('no value that crossed');
  }
}

function uncrossEntries(entries: unknown, depth: number): [string, unknown][] {
  return list(entries).map((entry) => {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string') throw new TypeError('no entry');
    return [entry[0], uncross(entry[1], depth + 1)];
  });
}

const kinds: Readonly<Record<string, new (message: string) => Error>> = {
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
};

const catalogues: readonly Readonly<Record<string, ErrorDefinition>>[] = [
  pluginErrors,
  hooksErrors,
  trafficErrors,
  protocolErrors,
  isolationErrors,
];

function uncrossError(record: unknown, depth: number): Error {
  if (!isRecord(record)) throw new TypeError('no error');
  const { name, message, stack } = record;
  if (typeof name !== 'string' || typeof message !== 'string' || typeof stack !== 'string') {
    throw new TypeError('no error');
  }
  const members = uncrossEntries(record['members'], depth);
  const error = known(members, record['values']) ?? new (kinds[name] ?? Error)(message);
  for (const [member, value] of members) {
    if (member === '__proto__' || Object.hasOwn(error, member)) continue;
    const enumerable = member !== 'cause' && member !== 'errors';
    Object.defineProperty(error, member, { value, enumerable, writable: true, configurable: true });
  }
  if (typeof record['className'] === 'string') nameClassOf(error, record['className']);
  // Not where its class says it already: pino would print it as one more field.
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, writable: true, configurable: true });
  Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true });
  return error;
}

/** One of gatewayd's own errors, by its code and its particulars. */
function known(members: readonly (readonly [string, unknown])[], values: unknown): GatewayDError | null {
  const code = members.find(([member]) => member === 'code')?.[1];
  if (!isRecord(values) || typeof code !== 'string') return null;
  const definition = catalogues.find((catalogue) => Object.hasOwn(catalogue, code))?.[code];
  if (definition === undefined) return null;
  const cause = members.find(([member]) => member === 'cause');
  return new GatewayDError(definition, values as ErrorValues, cause === undefined ? undefined : { cause: cause[1] });
}
