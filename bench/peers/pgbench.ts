import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { plainEnvironment } from '../measure.ts';

/** What pgbench says where it is asked. */
export const benchPassword = 'of no other use';

/** What one run of pgbench said. */
export interface PgbenchRun {
  readonly transactionsPerSecond: number;
  readonly transactions: number;
}

/** Runs pgbench against a port of 127.0.0.1. */
export async function pgbench(port: number, args: readonly string[], folder?: string): Promise<PgbenchRun> {
  const env = plainEnvironment({
    PGHOST: '127.0.0.1',
    PGPORT: String(port),
    PGUSER: 'postgres',
    PGDATABASE: 'postgres',
    PGPASSWORD: benchPassword,
  });
  const child = spawn('pgbench', args, { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data) => (output += String(data)));
  child.stderr.on('data', (data) => (output += String(data)));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`pgbench ${args.join(' ')} ended with ${code}:\n${output}`);
  return {
    transactionsPerSecond: Number(/tps = ([\d.]+)/.exec(output)?.[1] ?? Number.NaN),
    transactions: Number(/actually processed: (\d+)/.exec(output)?.[1] ?? Number.NaN),
  };
}

/** The microseconds each transaction of a run took, ascending. */
export async function pgbenchLatencies(port: number, args: readonly string[]): Promise<Float64Array> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));
  try {
    await pgbench(port, [...args, '-l'], folder);
    const lines = readdirSync(folder).flatMap((file) =>
      readFileSync(path.join(folder, file), 'utf8').trim().split('\n'),
    );
    return Float64Array.from(lines, (line) => Number(line.split(' ')[2])).sort();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
