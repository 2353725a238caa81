import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Deep enough to find a plugin's frame below those of the libraries it uses. */
const stackDepth = 100;
const longestFrame = 4096;

/** One line of a stack that lies in a file. */
export interface StackFrame {
  /** The file's path. */
  readonly file: string;
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
    const file = place?.replace(/:\d+:\d+$/, '');
    if (place === undefined || file === undefined) return [];
    if (file.startsWith('file:')) return [{ file: pathOf(file), place: pathOf(place) }];
    return path.isAbsolute(file) ? [{ file, place }] : [];
  });
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
