// The gateway beside its peers, all in one run: the database without anything before it, PgBouncer and HAProxy as Debian
// has them, and the least proxy there can be in Node.js.
//   npm run bench peers                      everything, about 20 minutes; --write puts it into docs/benchmarks.md
//   npm run bench peers -- --quick           half a minute: prepared statements at 16 clients, the latency at one
//   npm run bench peers -- latency idle      pieces: simple extended prepared tpcb pooled latency result idle
//   … --rounds 5 --seconds 4 --clients 1,16,100 --peers direct,PgBouncer,gatewayd
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../lib/embedded/embedded-postgres.ts';
import { silentLogger } from '../lib/logger.ts';
import { printHeader } from './measure.ts';
import { idleSessions, largeResult, latency, type Outcome, throughput } from './peers/measurements.ts';
import { direct, gatewayd, haproxy, missingPrograms, pgbouncer, socketPipe } from './peers/peer.ts';
import { pgbench } from './peers/pgbench.ts';
import { pooledRuns } from './peers/pooled.ts';
import { formatTable, writeDocument } from './peers/report.ts';

const all = ['simple', 'extended', 'prepared', 'tpcb', 'pooled', 'latency', 'result', 'idle'];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    clients: { type: 'string' },
    peers: { type: 'string' },
    sessions: { type: 'string', default: '5000' },
  },
});
const { quick } = values;
const pieces = positionals.length > 0 ? positionals : quick ? ['prepared', 'latency'] : all;
const unknown = pieces.filter((piece) => !all.includes(piece));
if (unknown.length > 0) {
  console.error(`There is no piece called ${unknown.join(', ')}; there are ${all.join(', ')}.`);
  process.exit(2);
}
const missing = missingPrograms();
if (missing.length > 0) {
  console.error(`Nothing is measured without all peers.\n${missing.join('\n')}`);
  process.exit(1);
}
const effort = { rounds: Number(values.rounds ?? (quick ? 2 : 5)), seconds: Number(values.seconds ?? (quick ? 1 : 4)) };
const clientCounts = (values.clients ?? (quick ? '16' : '1,16,100')).split(',').map(Number);

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
printHeader(`peers: ${pieces.join(', ')}`);
const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-peers-'));
chmodSync(folder, 0o755);
const postgres = await startEmbeddedPostgres({
  directory: null,
  logger: silentLogger(),
  network: 'tcp',
  settings: { max_connections: '400', shared_buffers: '256MB' },
});
const place = { folder, databasePort: postgres.port, connections: 120 };
const database = direct(postgres.port, postgres.version);
const every = [
  database,
  await pgbouncer(place),
  await haproxy(place),
  await socketPipe(place),
  await gatewayd(place, false),
  await gatewayd(place, true),
];
const chosen = values.peers?.split(',');
const peers = chosen === undefined ? every : every.filter(({ name }) => chosen.includes(name));
for (const { name, version, command } of peers)
  console.log(`  ${name}: ${[version, command].filter(Boolean).join('; ')}`);

const outcomes = new Map<string, Outcome[]>();
for (const piece of pieces) {
  outcomes.set(piece, []);
  for (const run of runsOf(piece)) {
    const outcome = await run();
    outcomes.get(piece)?.push(outcome);
    console.log(`\n${outcome.title} (${outcome.how})\n${formatTable(outcome)}`);
  }
}
for (const peer of every) await peer.stop();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
if (values.write) await writeDocument(outcomes, peers);
process.exit();

function runsOf(piece: string): (() => Promise<Outcome>)[] {
  if (piece === 'latency') return [async () => (await fill(), latency(peers, effort))];
  if (piece === 'result') return [() => largeResult(peers, effort)];
  if (piece === 'idle') return [() => idleSessions(folder, Number(values.sessions))];
  if (piece === 'pooled') {
    return pooledRuns(place, database, effort).map((run) => async () => (await fill(), run()));
  }
  if (piece === 'tpcb') {
    const run = { title: 'TPC-B, 16 clients', args: ['-n', '-M', 'prepared'], clients: 16 };
    return [async () => (await fill(), throughput(peers, effort, run))];
  }
  return clientCounts.map((clients) => async () => {
    await fill();
    const title = `pgbench -S, ${piece}, ${clients} client${clients === 1 ? '' : 's'}`;
    return throughput(peers, effort, { title, args: ['-n', '-S', '-M', piece], clients });
  });
}

/** Makes pgbench's tables. */
async function fill(): Promise<void> {
  await pgbench(postgres.port, ['-i', '-q', '-s', quick ? '1' : '10']);
}
