import { createReadStream } from 'node:fs';

/** Far more than any configuration; a log or a dump given by mistake is larger. */
const largestFile = 1024 * 1024;

/** What became of reading a file: its text, or why there is none. */
export type FileText =
  { readonly text: string } | { readonly missing: true } | { readonly missing: false; readonly reason: string };

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'cannot be read: its permissions do not allow it',
  EPERM: 'cannot be read: its permissions do not allow it',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: 'cannot be read: part of its path is not a folder',
};

/** Reads a UTF-8 file of at most 1 MiB, with or without a byte order mark. */
export async function readTextFile(file: string): Promise<FileText> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(file, { end: largestFile })) chunks.push(chunk as Buffer);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'an unknown error';
    if (code === 'ENOENT') return { missing: true };
    return { missing: false, reason: reasons[code] ?? `cannot be read (${code})` };
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length > largestFile) return { missing: false, reason: 'is larger than 1 MiB, and so no configuration' };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { missing: false, reason: 'is not UTF-8 text' };
  }
}
