/** Reads a member of anything at all; whatever is thrown may have getters that throw, or be a Proxy. */
export function read(from: unknown, key: string): unknown {
  try {
    return typeof from === 'object' && from !== null ? (from as Record<string, unknown>)[key] : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a member that is a text; the empty text where it is none. */
export function readString(from: unknown, key: string): string {
  const value = read(from, key);
  return typeof value === 'string' ? value : '';
}
