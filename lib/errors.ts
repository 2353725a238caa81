import { types } from 'node:util';

/** What an error code stands for. `message` may hold `{placeholders}`; the text without their values is what telemetry may send. */
export interface ErrorDefinition {
  /** Stable upper-case code, the key in its room's catalogue; `docs/errors.md` lists them all. */
  readonly code: string;
  /** What happened and where, with `{placeholders}` for the particulars. */
  readonly message: string;
  /** What the reader can do about it. */
  readonly mend: string;
  /**
   * The SQLSTATE a database client is answered with, where a client can cause the error.
   * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
   */
  readonly sqlstate?: string;
}

/** The particulars of one occurrence, by placeholder. */
export type ErrorValues = Readonly<Record<string, string | number | boolean>>;

/** Every GatewayDError there is. */
const made = new WeakSet<object>();

/** The definitions of gatewayd's own catalogues: their texts are known to hold nothing of a user's. */
const catalogued = new WeakSet<ErrorDefinition>();

/**
 * Turns a room's catalogue into definitions that carry their own code, so that a code is written once.
 * Each room keeps its catalogue in its `errors.ts`.
 */
export function defineErrors<const C extends Record<string, Omit<ErrorDefinition, 'code'>>>(
  catalogue: C,
): { readonly [K in keyof C]: ErrorDefinition } {
  const entries = Object.entries(catalogue).map(([code, rest]) => [code, Object.freeze({ code, ...rest })] as const);
  for (const [, definition] of entries) catalogued.add(definition);
  return Object.freeze(Object.fromEntries(entries)) as { readonly [K in keyof C]: ErrorDefinition };
}

function fill(template: string, values: ErrorValues): string {
  return template.replaceAll(/\{(\w+)\}/g, (whole, key: string) =>
    Object.hasOwn(values, key) ? String(values[key]) : whole,
  );
}

/**
 * Everything thrown on purpose. `message` reads as a sentence for people; `code` is for programs and never changes;
 * `mend` says what to do; `sqlstate` is what a database client is told.
 */
export class GatewayDError extends Error {
  override readonly name: string = 'GatewayDError';
  readonly code: string;
  /**
   * The message without its particulars: safe to send where the particulars are not. Empty when the definition is
   * not from a catalogue of gatewayd's, for then the text itself may hold anything.
   */
  readonly template: string;
  readonly values: ErrorValues;
  readonly mend: string;
  readonly sqlstate: string | undefined;

  /** Whether anything that was thrown is one of these. Unlike `instanceof` it never throws: a Proxy is not asked. */
  static is(error: unknown): error is GatewayDError {
    return typeof error === 'object' && error !== null && made.has(error);
  }

  constructor(definition: ErrorDefinition, values: ErrorValues = {}, options?: ErrorOptions) {
    super(fill(definition.message, values), options);
    made.add(this);
    this.code = definition.code;
    this.template = catalogued.has(definition) ? definition.message : '';
    this.values = values;
    this.mend = fill(definition.mend, values);
    this.sqlstate = definition.sqlstate;
  }
}

/** The message of anything that was thrown, whatever it is; never throws itself. */
export function messageOf(error: unknown): string {
  try {
    if (error instanceof Error) return error.message === '' ? error.name : error.message;
    return String(error);
  } catch {
    return 'an error that cannot be turned into text';
  }
}

const classNames = new WeakMap<object, string>();
const className = /^[A-Za-z_$][\w$]{0,63}$/;

/**
 * What the class of an error is called in its source, which is code: what it is called at run time may be computed from
 * anything. Never throws.
 * @returns the empty text where that cannot be told
 */
export function classNameOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || types.isProxy(error)) return '';
  const told = classNames.get(error);
  if (told !== undefined) return told;
  try {
    const { constructor } = error;
    if (typeof constructor !== 'function' || types.isProxy(constructor)) return '';
    const source = Function.prototype.toString.call(constructor).slice(0, 200);
    return /^(?:class|function)\s+([A-Za-z_$][\w$]{0,63})/.exec(source)?.[1] ?? '';
  } catch {
    return '';
  }
}

/** Puts on record what the class of an error was called where it came from; that class is not here. */
export function nameClassOf(error: object, name: string): void {
  if (className.test(name)) classNames.set(error, name);
}
