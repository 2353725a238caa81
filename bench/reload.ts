// The 99th percentile of queries through the gateway while its plugins are reloaded, against as long a time just before
// it: of the queries of the reload itself, and of whole seconds with a reload in each. The plugins mask each row.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../lib/embedded/embedded-postgres.ts';
import { silentLogger } from '../lib/logger.ts';
import { plainEnvironment, printHeader } from './measure.ts';

const launcher = fileURLToPath(new URL('../bin/gatewayd', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));
const database = await startEmbeddedPostgres({ directory: null, logger: silentLogger(), network: 'tcp' });
const clients = 8;
const rounds = 40;
const plugin = `export default { version: '1.0.0', apply(host) {
  host.hooks.trafficFromServer.tap('mask', (batch) => {
    batch.mapRows((row) => { row.set(0, 'masked'); return row; });
  });
} };\n`;

mkdirSync(path.join(folder, 'plugins'));
for (const name of ['one', 'two', 'three']) writeFileSync(path.join(folder, 'plugins', `${name}.mjs`), plugin);
writeFileSync(
  path.join(folder, 'gatewayd.yaml'),
  `clients: { default: { writes: { address: '127.0.0.1:${database.port}' } } }
servers: { default: { address: 127.0.0.1:0 } }
`,
);
const gateway = spawn(process.execPath, [launcher, 'run', '--usage-report=false', '--sentry=false'], {
  cwd: folder,
  env: plainEnvironment({ XDG_RUNTIME_DIR: folder }),
  stdio: ['ignore', 'pipe', 'inherit'],
});
const waiting = new Map<string, (line: string) => void>();
createInterface(gateway.stdout).on('line', (line) => {
  const { msg } = JSON.parse(line) as { readonly msg: string };
  waiting.get(msg)?.(line);
});
const logged = (msg: string): Promise<string> => new Promise((resolve) => waiting.set(msg, resolve));
const port = Number(/"address":"127\.0\.0\.1:(\d+)"/.exec(await logged('ready'))?.[1]);

/** When a query was sent, and for how long its answer was waited for, in milliseconds. */
const queries: { readonly sent: number; readonly took: number }[] = [];
const progress = { over: false };

async function ask(): Promise<void> {
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  await client.connect();
  while (!progress.over) {
    const sent = performance.now();
    const { rows } = await client.query<{ secret: string }>("SELECT 'hidden' AS secret");
    queries.push({ sent, took: performance.now() - sent });
    if (rows[0]?.secret !== 'masked') throw new Error('a row passed by the plugins');
  }
  await client.end();
}

/** Of the queries whose wait overlaps any of the spans. */
function p99(spans: readonly (readonly [from: number, to: number])[]): number {
  const taken = queries.filter(({ sent, took }) => spans.some(([from, to]) => sent < to && sent + took > from));
  const sorted = taken.map(({ took }) => took).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
}

printHeader(`reload; server ${database.version}; ${clients} clients, 3 plugins, ${rounds} reloads`);
const asking = Promise.all(Array.from({ length: clients }, ask));
await delay(2_000);
const spans: Record<'before' | 'during' | 'quiet' | 'seconds', [number, number][]> = {
  before: [],
  during: [],
  quiet: [],
  seconds: [],
};
for (let round = 0; round < rounds; round++) {
  const quiet = performance.now();
  await delay(1_000);
  const begun = performance.now();
  const reloaded = logged('reloaded');
  gateway.kill('SIGHUP');
  await reloaded;
  // The sessions move in the next turns of its event loop.
  const over = performance.now() + 5;
  await delay(1_000);
  spans.before.push([begun - (over - begun), begun]);
  spans.during.push([begun, over]);
  spans.quiet.push([quiet, begun]);
  spans.seconds.push([begun, performance.now()]);
}
progress.over = true;
await asking;
const print = (what: string, value: number, base: number): void =>
  console.log(`${what}: ${value.toFixed(2)} ms against ${base.toFixed(2)} ms, ratio ${(value / base).toFixed(2)}`);
const length = spans.during.reduce((sum, [from, to]) => sum + to - from, 0) / rounds;
console.log(`a reload takes ${length.toFixed(0)} ms under ${clients} clients`);
print('p99 of the queries during a reload (aim: at most 1.5)', p99(spans.during), p99(spans.before));
print('p99 of seconds with a reload in each', p99(spans.seconds), p99(spans.quiet));

gateway.kill('SIGTERM');
await database.stop();
rmSync(folder, { recursive: true, force: true });
process.exit();
