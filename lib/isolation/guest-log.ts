import type { Logger } from '../logger.ts';
import { record, text } from './expected.ts';
import type { GuestPlace } from './guest-place.ts';
import { readLines } from './output-lines.ts';

/**
 * Logs what a guest's logger wrote.
 * @param leftOut so many lines were too many to be sent
 * @throws where a line is none of a logger's
 */
export function logLines(logger: Logger, lines: readonly string[], leftOut: number): void {
  for (const line of lines) {
    const { level, msg, ...fields } = record(JSON.parse(line));
    const method = logger.levels.labels[Number(level)];
    if (
      method === 'fatal' ||
      method === 'error' ||
      method === 'warn' ||
      method === 'info' ||
      method === 'debug' ||
      method === 'trace'
    ) {
      logger[method](fields, msg === undefined ? undefined : text(msg));
    }
  }
  if (leftOut > 0) logger.warn({ lines: leftOut }, 'left out lines that the plugin logged all at once');
}

/** Logs what a guest writes to its standard output and error. */
export function logOutput(logger: Logger, { stdout, stderr }: Pick<GuestPlace, 'stdout' | 'stderr'>): void {
  const leftOut = (stream: string) => (lines: number) =>
    logger.warn({ stream, lines }, 'left out lines that the plugin wrote too fast');
  readLines(stdout, { line: (line) => logger.info({ stream: 'stdout' }, line), leftOut: leftOut('stdout') });
  readLines(stderr, { line: (line) => logger.warn({ stream: 'stderr' }, line), leftOut: leftOut('stderr') });
}
