import { lstatSync, type Stats } from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../make-folder.ts';

/**
 * Sees to it that nobody else can put anything where the socket is to be: its folder is made, for its owner alone, where
 * it is not there.
 * @returns why the path cannot be used; null when it can
 */
export function unsafe(socket: string): string | null {
  if (process.platform === 'win32') return null;
  try {
    makeFolder(path.dirname(socket));
  } catch (error) {
    return (error as Error).message;
  }
  return doubtful(socket);
}

/**
 * Whether somebody else could have put there what is there: anybody can make a folder of that name in the system's
 * folder for temporary files before its user does.
 * @returns why what answers there is not to be believed; null when it is, and when nothing is there
 */
export function doubtful(socket: string): string | null {
  if (process.platform === 'win32') return null;
  try {
    const folder = lstatSync(path.dirname(socket), { throwIfNoEntry: false });
    if (folder === undefined) return null;
    return unsafeFolder(folder) ?? unsafeSocket(lstatSync(socket, { throwIfNoEntry: false }));
  } catch (error) {
    return (error as Error).message;
  }
}

function unsafeFolder(folder: Stats): string | null {
  if (!folder.isDirectory()) return 'its folder is a link, or no folder';
  if (folder.uid !== process.getuid?.()) return 'its folder belongs to somebody else';
  return (folder.mode & 0o022) === 0 ? null : 'others may write to its folder';
}

function unsafeSocket(found: Stats | undefined): string | null {
  if (found === undefined) return null;
  if (!found.isSocket()) return 'there is something else of that name';
  return found.uid === process.getuid?.() ? null : 'the socket there belongs to somebody else';
}
