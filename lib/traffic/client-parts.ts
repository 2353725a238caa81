import { FrontendCode } from '../protocol/codes.ts';
import { Outgoing } from './outgoing.ts';
import { int32At } from '../protocol/int32-at.ts';

/**
 * Cuts what a client sent at once into what the taps are shown one after the other, so that no batch holds a second
 * query: a tap that looks at `query` sees each, and its verdict is on that one. A Query goes alone; a Parse begins a
 * batch, and ends with it at Sync. What holds no query stays together.
 * @param buffers whole messages
 */
export function takeClientParts(buffers: readonly Buffer[]): readonly (readonly Buffer[])[] {
  const [only] = buffers;
  if (only !== undefined && buffers.length === 1 && isOnePart(only, Infinity)) return [buffers];
  const parts: (readonly Buffer[])[] = [];
  const out = new Outgoing();
  let messages = 0;
  let parsing = false;
  const cut = (): void => {
    if (messages > 0) parts.push(out.finish());
    messages = 0;
    parsing = false;
  };
  for (const buffer of buffers) {
    for (let start = 0; start < buffer.length;) {
      const end = start + 1 + int32At(buffer, start + 1);
      const type = buffer[start];
      if (type === FrontendCode.Query || type === FrontendCode.Parse) cut();
      out.keep(buffer, start, end);
      messages++;
      parsing ||= type === FrontendCode.Parse;
      if (type === FrontendCode.Query || (parsing && type === FrontendCode.Sync)) cut();
      start = end;
    }
  }
  cut();
  return parts;
}

/**
 * Whether these are whole messages, none larger than that, which the taps are shown together. Most of what clients send
 * is: it is told apart without making anything.
 */
export function isOnePart(chunk: Buffer, maxMessageSize: number): boolean {
  const { length } = chunk;
  let start = 0;
  let parsing = false;
  let over = false;
  while (length - start >= 5) {
    const size = int32At(chunk, start + 1);
    if (size < 4 || size >= maxMessageSize) return false;
    const type = chunk[start];
    const begins = type === FrontendCode.Query || type === FrontendCode.Parse;
    if (over || (begins && start > 0)) return false;
    parsing ||= type === FrontendCode.Parse;
    over = type === FrontendCode.Query || (parsing && type === FrontendCode.Sync);
    start += 1 + size;
  }
  return start === length;
}
