import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** A package.json or a lock of ten thousand plugins is far smaller; what is larger is something else. */
const largestFile = 16 * 1024 * 1024;

/**
 * Reads a text file, and nothing that only looks like one: a pipe would be waited for without end, a device never ends.
 * @throws what the system says, or that it is no plain file, or too large
 */
export async function readPlainFile(file: string): Promise<string> {
  // Opening a pipe would wait for its writer.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const about = await handle.stat();
    // Of a folder the system says it best.
    if (!about.isFile() && !about.isDirectory()) throw new Error('it is no plain file');
    if (about.size > largestFile) throw new Error(`it is larger than ${largestFile / 1024 / 1024} MiB`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}
