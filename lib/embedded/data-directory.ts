import { chownSync, existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { GatewayDError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { type Account, canReach, unprivilegedAccount, weAreRoot } from './account.ts';
import { embeddedErrors } from './errors.ts';

/** A data directory that is there, and whom PostgreSQL runs as for its sake. */
export interface DataDirectory {
  readonly path: string;
  /** Null where PostgreSQL runs as we do. */
  readonly account: Account | null;
  /** Whether `initdb` has yet to fill it. */
  readonly empty: boolean;
}

/** Makes sure that the folder a user named can be PostgreSQL's: made where it is missing, refused with the reason. */
export function prepareDataDirectory(directory: string, major: string): DataDirectory {
  const given = path.resolve(directory);
  const existed = existsSync(given);
  try {
    makeFolder(given);
  } catch (cause) {
    throw unreachable(given, process.geteuid?.() ?? -1, cause);
  }
  const real = realpathSync(given);
  const empty = readdirSync(real).length === 0;
  if (!empty) checkVersion(real, major);
  return { path: real, account: weAreRoot() ? ownerOf(real, existed && !empty) : null, empty };
}

function checkVersion(directory: string, major: string): void {
  const file = path.join(directory, 'PG_VERSION');
  if (!existsSync(file)) throw new GatewayDError(embeddedErrors.EMBEDDED_DIRECTORY_FOREIGN, { directory });
  const found = readFileSync(file, 'utf8').trim();
  if (found === major) return;
  throw new GatewayDError(embeddedErrors.EMBEDDED_DIRECTORY_VERSION, { directory, found, expected: major });
}

/** The owner of the folder; a folder of root's is given away while there is nothing in it. */
function ownerOf(directory: string, inUse: boolean): Account {
  const { uid, gid } = statSync(directory);
  const account = uid === 0 && !inUse ? unprivilegedAccount() : { uid, gid };
  if (uid === 0 && !inUse) chownSync(directory, account.uid, account.gid);
  if (account.uid === 0 || !canReach(account, directory)) throw unreachable(directory, account.uid);
  return account;
}

function unreachable(directory: string, uid: number, cause?: unknown): GatewayDError {
  const options = cause === undefined ? {} : { cause };
  return new GatewayDError(embeddedErrors.EMBEDDED_DIRECTORY_UNREACHABLE, { directory, uid }, options);
}
