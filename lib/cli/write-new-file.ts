import { rm, writeFile } from 'node:fs/promises';
import { GatewayDError, messageOf } from '../errors.ts';
import { cliErrors } from './errors.ts';

/** A file that a command writes for its user. */
export interface NewFile {
  readonly file: string;
  readonly content: string | Uint8Array;
  /** Whether one that is there may be written over. */
  readonly force: boolean;
  /** The flag that names it, for people. */
  readonly flag: string;
}

/**
 * Writes a file that is not there yet. One that could not be written whole is not left behind.
 * @throws {GatewayDError} CLI_FILE_EXISTS, CLI_FILE_NOT_WRITTEN
 */
export async function writeNewFile({ file, content, force, flag }: NewFile): Promise<void> {
  try {
    await writeFile(file, content, { flag: force ? 'w' : 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new GatewayDError(cliErrors.CLI_FILE_EXISTS, { file, flag }, { cause });
    }
    if (!force) await rm(file, { force: true }).catch(() => {});
    throw new GatewayDError(cliErrors.CLI_FILE_NOT_WRITTEN, { file, flag, reason: messageOf(cause) }, { cause });
  }
}
