import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * The line of the first syntax error in a module; null when it has none or Node cannot tell. `import()` keeps the line
 * to itself, so a Node that only checks the syntax is asked.
 */
export async function lineOfSyntaxError(file: string): Promise<number | null> {
  if (!['.js', '.mjs'].includes(path.extname(file))) return null;
  const source = await readFile(file);
  return new Promise((resolve) => {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const options = { env, timeout: 5_000 };
    const child = execFile(process.execPath, ['--check', '--input-type=module', '-'], options, (__, ___, stderr) => {
      const line = /^\[stdin\]:(\d+)$/m.exec(stderr)?.[1];
      resolve(line === undefined ? null : Number(line));
    });
    // It may end before it has read everything.
    child.stdin?.on('error', () => undefined).end(source);
  });
}
