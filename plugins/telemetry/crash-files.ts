import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../../lib/make-folder.ts';
import type { ErrorEventToSend } from './error-event.ts';

const fileLimit = 8;
const byteLimit = 32 * 1024;
const ageLimitMilliseconds = 30 * 24 * 60 * 60 * 1000;
const fileName = /^(\d{13})-[0-9a-f]{8}\.json$/;

/** What a crash left behind, for one Sentry project. */
export interface CrashFile {
  readonly file: string;
  /** Stands for the project: what `projectOf` makes of its DSN, which is not kept. */
  readonly project: string;
  /** The event as it will be sent. */
  readonly event: ErrorEventToSend;
}

/** What stands for a Sentry project on the disk. */
export function projectOf(dsn: string): string {
  return createHash('sha256').update(dsn).digest('hex').slice(0, 16);
}

function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // What cannot be removed is read once more at the next start, and thrown away when it is too old.
  }
}

/** The files there are, the oldest first. A folder that is not there, or cannot be read, has none. */
function files(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => fileName.test(name))
      .sort()
      .map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}

function read(file: string): CrashFile | null {
  try {
    const stat = lstatSync(file);
    if (!stat.isFile() || stat.size > byteLimit) return null;
    const { project, event } = JSON.parse(readFileSync(file, 'utf8')) as CrashFile;
    const isWhole =
      typeof project === 'string' && typeof event.event_id === 'string' && Array.isArray(event.exception.values);
    return isWhole ? { file, project, event } : null;
  } catch {
    return null;
  }
}

function isOld(file: string): boolean {
  return Date.now() - Number(fileName.exec(path.basename(file))?.[1] ?? 0) > ageLimitMilliseconds;
}

/** The folder in which crashes are kept until they have been sent: a few small files that only their owner can read. */
export class CrashFiles {
  readonly #folder: string | null;

  /** @param folder null where there is no place to keep anything */
  constructor(folder: string | null) {
    this.#folder = folder;
  }

  /**
   * Keeps an event, before it returns: the process may be gone a moment later. Of too many, the oldest go.
   * @returns null where it cannot be kept, which is no error
   */
  keep(dsn: string, event: ErrorEventToSend): CrashFile | null {
    if (this.#folder === null) return null;
    const project = projectOf(dsn);
    const text = `${JSON.stringify({ project, event })}\n`;
    if (Buffer.byteLength(text) > byteLimit) return null;
    const file = path.join(this.#folder, `${Date.now()}-${randomBytes(4).toString('hex')}.json`);
    try {
      makeFolder(this.#folder);
      for (const old of files(this.#folder).slice(0, -(fileLimit - 1))) remove(old);
      // Half a file, where the disk is full, must not look like a whole one.
      writeFileSync(`${file}.new`, text, { mode: 0o600, flag: 'wx' });
      renameSync(`${file}.new`, file);
      return { file, project, event };
    } catch {
      remove(`${file}.new`);
      return null;
    }
  }

  /** The crashes that were kept, the oldest first; what is too old or no crash file is removed. */
  pending(): readonly CrashFile[] {
    if (this.#folder === null) return [];
    return files(this.#folder).flatMap((file) => {
      const crash = isOld(file) ? null : read(file);
      if (crash === null) remove(file);
      return crash === null ? [] : [crash];
    });
  }

  /** One has arrived, or is not to be sent any more. */
  remove({ file }: CrashFile): void {
    remove(file);
  }
}
