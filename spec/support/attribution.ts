import { execFile } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('./attribution-run.ts', import.meta.url));

/** How many failures there were, and how often which of them was put on record as another plugin's or another hook's. */
export interface AttributionResult {
  readonly failures: number;
  readonly wrong: Readonly<Record<string, number>>;
}

/** Lets plugins fail in a process of their own, one failure after the other, in turn in every way there is. */
export async function failInEveryWay(count: number): Promise<AttributionResult> {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'gatewayd-attribution-')));
  try {
    const args = ['--import', 'tsx', script, String(count), folder];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 110_000 });
    return JSON.parse(stdout) as AttributionResult;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
