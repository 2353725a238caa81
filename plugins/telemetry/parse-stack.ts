/** One line of a stack that says where code was. */
export interface RawFrame {
  readonly filename: string;
  readonly function: string;
  readonly lineno: number;
  readonly colno: number;
}

const frameLimit = 50;
const longestLine = 1024;
const line = /^\s+at (?:(.+?) \()?(?:async )?((?:file:\/\/|node:|\/|[A-Za-z]:[\\/])[^()]*):(\d{1,9}):(\d{1,9})\)?$/;

/** The innermost frames of a stack as V8 writes it, the outermost of them first, which is Sentry's order. */
export function parseStack(stack: string): readonly RawFrame[] {
  const frames: RawFrame[] = [];
  for (const text of stack.split('\n')) {
    const [, name = '', filename, lineno, colno] = (text.length <= longestLine && line.exec(text)) || [];
    if (filename === undefined) continue;
    frames.push({ filename, function: name, lineno: Number(lineno), colno: Number(colno) });
    if (frames.length === frameLimit) break;
  }
  return frames.toReversed();
}
