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
  let leftOut = 0;
  let window = 0;
  const endWindow = (): void => {
    if (leftOut > 0) reader.leftOut(leftOut);
    count = leftOut = 0;
  };
  const take = (text: string): void => {
    const now = performance.now();
    if (now - window > perMilliseconds) {
      endWindow();
      window = now;
    }
    if (count++ < mostLines) reader.line(text.slice(0, longestLine));
    else leftOut++;
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
    endWindow();
  });
}
