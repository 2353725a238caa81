/** What the function throws or the promise rejects with; an error of its own when they do neither. */
export async function caught(failing: Promise<unknown> | (() => unknown)): Promise<Error> {
  try {
    await (typeof failing === 'function' ? failing() : failing);
  } catch (error) {
    if (error instanceof Error) return error;
    throw new TypeError(`what was thrown is no Error: ${String(error)}`, { cause: error });
  }
  throw new Error('nothing was thrown');
}
