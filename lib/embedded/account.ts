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
    const { mode, uid, gid } = statSync(current);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (current === path.dirname(current)) return true;
  }
}
