/**
 * The word of four bytes at a place where there are that many. Buffer's own `readInt32BE`, which also looks at what it
 * is given, takes three times as long, and each message's length is read several times on its way.
 */
export function int32At(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
