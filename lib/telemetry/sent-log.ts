import { appendFile, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../make-folder.ts';

/** How it went: `unknown` where the process ended before it was known. */
export type Outcome = 'delivered' | 'failed' | 'unknown';

/** A line that says what is being sent; written before the first packet leaves. */
export interface SendingLine {
  /** Ties the line of the outcome to this one; sent to nobody. */
  readonly id: string;
  /** ISO 8601. */
  readonly at: string;
  readonly half: 'usageReport' | 'sentry';
  readonly to: string;
  readonly content: unknown;
  /** The very bytes, in base64. */
  readonly bytes: string;
}

/** A line that says how it went. */
export interface OutcomeLine {
  readonly id: string;
  readonly at: string;
  readonly outcome: Exclude<Outcome, 'unknown'>;
  /** Why it failed; empty where it did not. */
  readonly reason: string;
}

/** A log is put aside when it has grown to this. */
const rotateBytes = 1024 * 1024;
/** So many that were put aside are kept. */
const keptLogs = 4;

/** The files that were put aside, the oldest first: their names have the time. */
export async function rotatedLogs(logFile: string): Promise<string[]> {
  const folder = path.dirname(logFile);
  const names = await readdir(folder).catch(() => []);
  const { name } = path.parse(logFile);
  return names
    .filter((other) => other.startsWith(`${name}.`) && /\.\d{17}-\d+\.log$/.test(other))
    .sort()
    .map((other) => path.join(folder, other));
}

/**
 * The local log of everything that telemetry ever sent: a line of JSON for each thing that is being sent, another for
 * how it went. Lines are only ever added; a log of a megabyte is put aside, and the oldest of more than four is removed.
 * Nobody waits for it, and where it cannot be written there is none.
 */
export class SentLog {
  readonly #file: string | null;
  /** One line after the other, in the order they were given. */
  #last: Promise<void> = Promise.resolve();

  constructor(file: string | null) {
    this.#file = file;
  }

  /** Adds a line; the promise settles when it is written or cannot be, and never rejects. */
  add(line: SendingLine | OutcomeLine): Promise<void> {
    const file = this.#file;
    if (file !== null) this.#last = this.#last.then(() => append(file, line)).catch(() => {});
    return this.#last;
  }
}

async function append(file: string, line: SendingLine | OutcomeLine): Promise<void> {
  makeFolder(path.dirname(file));
  await rotate(file);
  // One write to the end of the file: other processes of ours may write to it, too.
  await appendFile(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
}

async function rotate(file: string): Promise<void> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size < rotateBytes) return;
  const { dir, name } = path.parse(file);
  const stamp = new Date().toISOString().replaceAll(/\D/g, '');
  // The name is new, so that two processes that do this at once lose nothing.
  await rename(file, path.join(dir, `${name}.${stamp}-${process.pid}.log`)).catch(() => {});
  const logs = await rotatedLogs(file);
  for (const old of logs.slice(0, Math.max(0, logs.length - keptLogs))) await rm(old, { force: true });
}
