// The 99th percentile of queries through the gateway while its plugins are reloaded, against that without, in one run:
// each of many reloads (SIGHUP) has a span of the same length beside it in which nothing is reloaded, and another in
// which a process of its own keeps a core busy for as long: on a machine with few cores that alone costs queries their
// turn. A query counts for a span when any of its wait was in it. A reload's span is from the signal until it is logged
// and the sessions have moved. The intervals are those of nine in ten draws of as many rounds out of those there were.
// The first reload of a process, which runs code that never ran before, is told by itself. The plugins mask each row,
// and one of them is a folder that imports a file of its own.
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
const rounds = 100;
/** Between spans, in milliseconds. */
const pause = 100;
const plugin = (word: string): string => `export default { version: '1.0.0', apply(host) {
  host.hooks.trafficFromServer.tap('mask', (batch) => {
    batch.mapRows((row) => { row.set(0, ${word}); return row; });
  });
} };\n`;
const put = (file: string, text: string): void => {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), text);
};

for (const name of ['one', 'two']) put(`plugins/${name}.mjs`, plugin("'masked'"));
put('plugins/three/package.json', JSON.stringify({ name: 'three', version: '1.0.0', type: 'module' }));
put('plugins/three/word.js', "export const word = 'masked';\n");
put('plugins/three/index.js', `import { word } from './word.js';\n${plugin('word')}`);
put(
  'gatewayd.yaml',
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

type Span = readonly [from: number, to: number];

/** How long the queries took whose wait overlaps a span. */
const takenIn = ([from, to]: Span): readonly number[] =>
  queries.filter(({ sent, took }) => sent < to && sent + took > from).map(({ took }) => took);

function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}

const p99 = (spans: readonly (readonly number[])[]): number => quantile(spans.flat(), 0.99);

async function reload(): Promise<Span> {
  const begun = performance.now();
  const reloaded = logged('reloaded');
  gateway.kill('SIGHUP');
  await reloaded;
  // The sessions move in the next turns of its event loop.
  return [begun, performance.now() + 5];
}

/** Keeps a core busy for as many milliseconds as it is told to. */
const burner = spawn(
  process.execPath,
  ['-e', "process.stdin.on('data', (text) => { const end = Date.now() + Number(text); while (Date.now() < end); })"],
  { stdio: ['pipe', 'ignore', 'inherit'] },
);

printHeader(`reload; server ${database.version}; ${clients} clients, 3 plugins, ${rounds} reloads`);
const asking = Promise.all(Array.from({ length: clients }, ask));
await delay(2_500);
const first = await reload();
await delay(1_000);
const spans: Record<'without' | 'reload' | 'burner', Span[]> = { without: [], reload: [], burner: [] };
for (let round = 0; round < rounds; round++) {
  const [from, to] = await reload();
  spans.reload.push([from, to]);
  const length = to - from;
  await delay(pause);
  const quiet = performance.now();
  await delay(length);
  spans.without.push([quiet, quiet + length]);
  const burning = performance.now();
  burner.stdin.write(String(Math.round(length)));
  await delay(length);
  spans.burner.push([burning, burning + length]);
  await delay(pause);
}
progress.over = true;
await asking;

const taken = {
  without: spans.without.map(takenIn),
  reload: spans.reload.map(takenIn),
  burner: spans.burner.map(takenIn),
};
const draws = Array.from({ length: 100 }, () =>
  Array.from({ length: rounds }, () => Math.floor(Math.random() * rounds)),
);
function print(what: string, which: 'reload' | 'burner'): void {
  const ratio = (chosen: readonly number[]): number =>
    p99(chosen.map((round) => taken[which][round] ?? [])) / p99(chosen.map((round) => taken.without[round] ?? []));
  const ratios = draws.map(ratio);
  const all = [...Array(rounds).keys()];
  const interval = `${quantile(ratios, 0.05).toFixed(2)} to ${quantile(ratios, 0.95).toFixed(2)}`;
  console.log(
    `${what}: ${p99(taken[which]).toFixed(2)} ms of ${taken[which].flat().length}, ratio ${ratio(all).toFixed(2)} (${interval})`,
  );
}
const lengths = spans.reload.map(([from, to]) => to - from);
const longest = (which: 'reload' | 'without'): string => {
  const each = taken[which].map((some) => Math.max(...some));
  return `${quantile(each, 0.5).toFixed(1)} ms in the middle, ${quantile(each, 0.9).toFixed(1)} in nine of ten`;
};
console.log(
  `a reload takes ${quantile(lengths, 0.5).toFixed(0)} ms under ${clients} clients (nine in ten at most ${quantile(lengths, 0.9).toFixed(0)}), the first ${(first[1] - first[0]).toFixed(0)}`,
);
console.log(
  `without one: p50 ${quantile(taken.without.flat(), 0.5).toFixed(2)} ms, p99 ${p99(taken.without).toFixed(2)} ms of ${taken.without.flat().length} queries`,
);
print('p99 during a reload (aim: at most 1.5)', 'reload');
print('p99 while another process keeps a core busy', 'burner');
console.log(`longest query of each reload: ${longest('reload')}; of each span without: ${longest('without')}`);
console.log(`longest query of the first reload: ${Math.max(...takenIn(first)).toFixed(1)} ms`);

burner.kill();
gateway.kill('SIGTERM');
await database.stop();
rmSync(folder, { recursive: true, force: true });
process.exit();
