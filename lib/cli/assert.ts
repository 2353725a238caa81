/** What yargs asserts, without `node:assert`, which opens the standard error stream: stands in for it in the bundle. */
export function strictEqual(actual: unknown, expected: unknown, message?: string): void {
  if (!Object.is(actual, expected)) throw new TypeError(message ?? 'the values are not the same');
}

/** The opposite of `strictEqual`. */
export function notStrictEqual(actual: unknown, unexpected: unknown, message?: string): void {
  if (Object.is(actual, unexpected)) throw new TypeError(message ?? 'the values are the same');
}
