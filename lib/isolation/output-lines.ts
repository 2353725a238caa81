import type { Readable } from 'node:stream';

const mostLines = 100;
const perMilliseconds = 1_000;
const longestLine = 8 * 1024;

/** Who gets what a guest wrote. */
export interface OutputReader {
  line(text: string): void;
  /** So many lines were left out since. */
  leftOut(lines: number): void;
}

/** Reads a guest's standard output or error line by line; of a flood only the first hundred lines of each second. */
export function readLines(stream: Readable, reader: OutputReader): void {
  let rest = '';
  let count = 0;
  let window: NodeJS.Timeout | undefined;
  const endWindow = (): void => {
    if (count > mostLines) reader.leftOut(count - mostLines);
    count = 0;
    window = undefined;
  };
  const take = (text: string): void => {
    window ??= setTimeout(endWindow, perMilliseconds).unref();
    if (count++ < mostLines) reader.line(text.slice(0, longestLine));
  };
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const text of lines) if (text !== '') take(text);
    if (rest.length > longestLine) {
      take(rest);
      rest = '';
    }
  });
  stream.on('error', () => {});
  stream.on('close', () => {
    if (rest !== '') take(rest);
    rest = '';
    clearTimeout(window);
    endWindow();
  });
}
