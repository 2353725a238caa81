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
  if (isOnePart(buffers)) return [buffers];
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

/** Most of what clients send is: it is told apart without making anything. */
function isOnePart(buffers: readonly Buffer[]): boolean {
  const [buffer] = buffers;
  if (buffer === undefined || buffers.length > 1) return false;
  let parsing = false;
  let over = false;
  for (let start = 0; start < buffer.length; start += 1 + int32At(buffer, start + 1)) {
    const type = buffer[start];
    const begins = type === FrontendCode.Query || type === FrontendCode.Parse;
    if (over || (begins && start > 0)) return false;
    parsing ||= type === FrontendCode.Parse;
    over = type === FrontendCode.Query || (parsing && type === FrontendCode.Sync);
  }
  return true;
}
