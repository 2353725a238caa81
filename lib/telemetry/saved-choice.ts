import { readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { GatewayDError, messageOf } from '../errors.ts';
import { telemetryErrors } from './errors.ts';
import { makeFolder } from '../make-folder.ts';

/** What the user's own file says. */
export interface SavedChoice {
  /** `unreadable`: something is there that cannot be understood; whatever it was, it is taken for a no. */
  readonly state: 'none' | 'read' | 'unreadable';
  /** Undefined where nothing was chosen. */
  readonly usageReport?: boolean;
  readonly sentry?: boolean;
  /** The version of the report's schema that the user was told of last; 0 for never. */
  readonly toldSchema: number;
  /** Null where there is no place for one. */
  readonly file: string | null;
}

const none = (file: string | null): SavedChoice => ({ state: 'none', toldSchema: 0, file });
const unreadable = (file: string): SavedChoice => ({ state: 'unreadable', toldSchema: 0, file });

/** Nobody needs more; what is larger is no choice of ours. */
const sizeLimit = 64 * 1024;

function parse(text: string, file: string): SavedChoice {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return unreadable(file);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return unreadable(file);
  const { usageReport, sentry, toldSchema } = content as Record<string, unknown>;
  if ([usageReport, sentry].some((half) => half !== undefined && typeof half !== 'boolean')) return unreadable(file);
  return {
    state: 'read',
    ...(typeof usageReport === 'boolean' && { usageReport }),
    ...(typeof sentry === 'boolean' && { sentry }),
    toldSchema: Number.isSafeInteger(toldSchema) && Number(toldSchema) > 0 ? Number(toldSchema) : 0,
    file,
  };
}

/** Reads the saved choice. Never throws: a file that is missing is no choice, one that cannot be read is a no. */
export function readSavedChoice(file: string | null): SavedChoice {
  if (file === null) return none(file);
  try {
    // In the running turn: the start waits for it, and the file has three lines.
    const text = readFileSync(file, 'utf8');
    return text.length > sizeLimit ? unreadable(file) : parse(text, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? none(file) : unreadable(file);
  }
}

/**
 * Writes what changes into the saved choice, and leaves the rest of it; one that cannot be understood is replaced.
 * @throws {GatewayDError} TELEMETRY_NO_HOME or TELEMETRY_CHOICE_NOT_SAVED
 */
export async function saveChoice(
  { file }: Pick<SavedChoice, 'file'>,
  changes: Partial<Pick<SavedChoice, 'usageReport' | 'sentry' | 'toldSchema'>>,
): Promise<void> {
  if (file === null) throw new GatewayDError(telemetryErrors.TELEMETRY_NO_HOME, {});
  const { usageReport, sentry, toldSchema } = { ...readSavedChoice(file), ...changes };
  const written = `${file}.${process.pid}.new`;
  try {
    makeFolder(path.dirname(file));
    await writeFile(written, `${JSON.stringify({ usageReport, sentry, toldSchema }, null, 2)}\n`);
    // Whole or not at all: another process may read it right now.
    await rename(written, file);
  } catch (error) {
    await rm(written, { force: true }).catch(() => {});
    const values = { file, reason: messageOf(error) };
    throw new GatewayDError(telemetryErrors.TELEMETRY_CHOICE_NOT_SAVED, values, { cause: error });
  }
}
