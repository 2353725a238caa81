import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** Whom PostgreSQL runs as where that is somebody else than us. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const nobody: Account = { uid: 65_534, gid: 65_534 };

/** True where we are root, whom PostgreSQL refuses to run as. */
export function weAreRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** The machine's own account for PostgreSQL, else `nobody`. Its name has to be known to the system: initdb looks it up. */
export function unprivilegedAccount(accounts = '/etc/passwd'): Account {
  const lines = readLines(accounts).map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((fields) => fields[0] === name) ?? [];
    if (Number(uid) > 0 && Number(gid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  return nobody;
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return []; // a machine without such a file still has a nobody
  }
}

/** Whether the account may enter the folder and every folder above it, by their mode bits. */
export function canReach(account: Account, folder: string): boolean {
  for (let current = path.resolve(folder); ; current = path.dirname(current)) {
    if (!permits(account, current, 1)) return false;
    if (current === path.dirname(current)) return true;
  }
}

/** Whether the account may also make and remove what is in the folder. */
export function canWrite(account: Account, folder: string): boolean {
  return permits(account, folder, 2) && canReach(account, folder);
}

function permits(account: Account, folder: string, bit: 1 | 2): boolean {
  const { mode, uid, gid } = statSync(folder);
  const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0;
  return ((mode >> shift) & bit) !== 0;
}
