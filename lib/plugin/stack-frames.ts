import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Deep enough to find a plugin's frame below those of the libraries it uses. */
const stackDepth = 100;
const longestFrame = 4096;

/** One line of a stack that lies in a file. */
export interface StackFrame {
  /** The file's path. */
  readonly file: string;
  /** Which import of the file it is: the query of its URL, as `module-tag.ts` makes it; empty without one. */
  readonly tag: string;
  /** `file:line:column` */
  readonly place: string;
}

/** The stack of anything that was thrown; empty where it has none. Never throws. */
export function stackOf(error: unknown): string {
  try {
    const stack: unknown = (error as Error | null | undefined)?.stack;
    return typeof stack === 'string' ? stack : '';
  } catch {
    return '';
  }
}

/** The stack of whoever calls. */
export function callerStack(): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = stackDepth;
  const stack = stackOf(new Error('here'));
  Error.stackTraceLimit = stackTraceLimit;
  return stack;
}

/** The frames of a stack as V8 writes it that lie in files. */
export function framesOf(stack: string): readonly StackFrame[] {
  return stack.split('\n').flatMap((line) => {
    // A message may be anything, and of any length.
    if (line.length > longestFrame) return [];
    const place = /^ +at (?:.*\()?(?:async )?(.+:\d+:\d+)\)?$/.exec(line)?.[1];
    const found = place === undefined ? null : /^(.*?)(\?[^/]*)?(:\d+:\d+)$/.exec(place);
    if (found === null) return [];
    const [, named = '', tag = '', position = ''] = found;
    const file = named.startsWith('file:') ? pathOf(named) : named;
    return path.isAbsolute(file) ? [{ file, tag, place: file + position }] : [];
  });
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
