import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, read as readCallback } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { GatewayDError } from '../errors.ts';
import { turn } from '../turn.ts';
import { pluginErrors } from './errors.ts';

/** Gets the bytes of a plugin while they are hashed; `whole` is false for a piece of a file that is too large to be held. */
export type Observe = (file: string, bytes: Buffer, whole: boolean) => void;

const read = promisify(readCallback);
const chunkSize = 1024 * 1024;
/** So much is hashed in one turn of the event loop. */
const pieceSize = 256 * 1024;
/** Left out of a folder's checksum wherever they are. */
const leftOut = new Set(['node_modules', '.git']);

/**
 * SHA-256 of a file, as 64 hexadecimal digits: what `sha256sum FILE` prints. A small file is read at once, which costs a
 * sixth of what an asynchronous read does; between files, and between pieces of a large one, others have their turn.
 */
export async function checksumOfFile(file: string, observe?: Observe): Promise<string> {
  await turn();
  // Not to wait for a writer where the file was replaced by a pipe since it was looked at.
  const descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const hash = createHash('sha256');
    if (fstatSync(descriptor).size > chunkSize) {
      await hashChunks(descriptor, hash, (bytes) => observe?.(file, bytes, false));
    } else {
      const bytes = readFileSync(descriptor);
      observe?.(file, bytes, true);
      await hashPieces(bytes, hash);
    }
    return hash.digest('hex');
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Checksum of a plugin's folder: the SHA-256 of the `sha256sum` listing of its files, in byte order of their paths, with
 * `node_modules` and `.git` left out. In a shell, inside of the folder:
 *
 *     find . \( -name node_modules -o -name .git \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sed 's/  \.\//  /' | sha256sum
 *
 * @throws {GatewayDError} PLUGIN_NOT_PLAIN when the folder holds a link, anything else that is no file, or a name that
 * `sha256sum` would have to quote
 */
export async function checksumOfFolder(folder: string, plugin: string, observe?: Observe): Promise<string> {
  const listing = createHash('sha256');
  for (const file of await listFiles(folder, plugin)) {
    const checksum = await checksumOfFile(path.join(folder, file), observe);
    listing.update(`${checksum}  ${file}\n`);
  }
  return listing.digest('hex');
}

async function hashPieces(bytes: Buffer, hash: Hash): Promise<void> {
  for (let from = 0; from < bytes.length; from += pieceSize) {
    if (from > 0) await turn();
    hash.update(bytes.subarray(from, from + pieceSize));
  }
}

/** Reads into one buffer while the other is hashed. */
async function hashChunks(descriptor: number, hash: Hash, observe: (bytes: Buffer) => void): Promise<void> {
  let ready = Buffer.allocUnsafe(chunkSize);
  let next = Buffer.allocUnsafe(chunkSize);
  let { bytesRead } = await read(descriptor, ready, 0, chunkSize, null);
  while (bytesRead > 0) {
    const reading = read(descriptor, next, 0, chunkSize, null);
    // It is waited for only when the other buffer is hashed; until then that it failed is no unhandled rejection.
    reading.catch(() => undefined);
    const bytes = ready.subarray(0, bytesRead);
    observe(bytes);
    await hashPieces(bytes, hash);
    bytesRead = (await reading).bytesRead;
    [ready, next] = [next, ready];
  }
}

/** The paths of a folder's files, relative, with `/`, in byte order. */
async function listFiles(folder: string, plugin: string): Promise<string[]> {
  const files: string[] = [];
  const walk = async (inside: string): Promise<void> => {
    const entries = await readdir(path.join(folder, inside), { withFileTypes: true });
    for (const entry of entries) {
      if (leftOut.has(entry.name)) continue;
      const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
      const kind = oddity(entry);
      if (kind !== null) throw new GatewayDError(pluginErrors.PLUGIN_NOT_PLAIN, { plugin, path: name, kind });
      if (entry.isDirectory()) await walk(name);
      else files.push(name);
    }
  };
  await walk('');
  const keyed = files.map((file) => ({ file, bytes: Buffer.from(file) }));
  return keyed.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ file }) => file);
}

function oddity(entry: {
  readonly name: string;
  isSymbolicLink(): boolean;
  isFile(): boolean;
  isDirectory(): boolean;
}): string | null {
  if (/[\\\r\n]/.test(entry.name)) return 'named with a backslash or a line break';
  if (entry.isSymbolicLink()) return 'a link';
  return entry.isFile() || entry.isDirectory() ? null : 'neither a file nor a folder';
}
