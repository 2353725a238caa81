/** Checks of what a guest sends: everything in its thread or process can send it anything. */

/** Up to here a list may have holes: to go through them takes no time. */
const shortList = 10_000;

/** A list can be as long as a number is large and have nothing in it. @throws {TypeError} */
export function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) {
    if (value.length > shortList && Object.keys(value).length < value.length) throw new TypeError('a list with holes');
    return value as readonly unknown[];
  }
  throw unexpected('a list', value);
}

/** @throws {TypeError} */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw unexpected('a text', value);
}

/** A whole number that is not negative. @throws {TypeError} */
export function count(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw unexpected('a number', value);
}

/** @throws {TypeError} */
export function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw unexpected('an object', value);
}

function unexpected(wanted: string, got: unknown): TypeError {
  return new TypeError(`${got === null ? 'null' : `a ${typeof got}`} where ${wanted} is expected`);
}
