// What the usage report costs, in pairs of runs with it on and off: until it listens, until the process is gone, in memory
// five seconds after the start, and for queries while the report leaves. `ROUNDS=20` is the number of pairs.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { BlackHole } from '../spec/support/black-hole.ts';
import { Collector } from '../spec/support/collector.ts';
import { startPostgres } from '../spec/support/postgres.ts';
import { median, plainEnvironment, printHeader } from './measure.ts';
import { type RunningGateway, startGateway } from './running-gateway.ts';

const rounds = Number(process.env['ROUNDS'] ?? 20);
const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));
const environment = plainEnvironment({ XDG_CONFIG_HOME: folder, XDG_STATE_HOME: folder });

function configFor(name: string, address: string): string {
  const file = path.join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    `clients: { default: { writes: { address: '127.0.0.1:${postgres.port}' } } }
servers: { default: { address: 127.0.0.1:0 } }
plugins: [{ name: telemetry, config: { usageReport: { address: '${address}' } } }]
`,
  );
  return file;
}

const listening = (config: string, ...flags: string[]): Promise<RunningGateway> =>
  startGateway(config, flags, environment);

/** A client that has connected, and asks one thing after the other. */
async function connected(port: number): Promise<Client> {
  const client = new Client({ host: '127.0.0.1', port, user: postgres.user, database: postgres.database });
  await client.connect();
  return client;
}

/** The first query of a client that connects at once, from its connecting on; and the longest that any takes in the first second. */
async function queries(port: number): Promise<{ first: number; slowest: number }> {
  const begun = performance.now();
  const client = await connected(port);
  await client.query('select 1');
  const first = performance.now() - begun;
  let slowest = 0;
  while (performance.now() < begun + 1_000) {
    const asked = performance.now();
    await client.query('select 1');
    slowest = Math.max(slowest, performance.now() - asked);
  }
  await client.end();
  return { first, slowest };
}

const rss = ({ child }: RunningGateway): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;

const postgres = await startPostgres();
const collector = new Collector();
const hole = await BlackHole.open();
const addresses = {
  healthy: `127.0.0.1:${await collector.listen()}`,
  absent: '127.0.0.1:1',
  'black hole': `127.0.0.1:${hole.port}`,
};
const off = ['--usage-report=false'];
/** The longest random wait before a report. */
const jitter = 500;

printHeader(`the usage report, ${rounds} pairs`);
for (const [name, address] of Object.entries(addresses)) {
  const config = configFor(name.replace(' ', '-'), address);
  const starts: number[] = [];
  const ends: Record<'early' | 'late', number[]> = { early: [], late: [] };
  await (await listening(config)).stop();
  for (let round = 0; round < rounds; round++) {
    const flags = round % 2 === 0 ? [[], off] : [off, []];
    const taken = new Map<boolean, { start: number; early: number; late: number }>();
    for (const given of flags) {
      const running = await listening(config, ...given);
      // Asked to end at once, the report has its random wait before it; after that wait, it is under way or over.
      const early = await running.stop();
      const other = await listening(config, ...given);
      await delay(jitter);
      taken.set(given === off, { start: running.milliseconds, early, late: await other.stop() });
    }
    const [on, without] = [taken.get(false), taken.get(true)];
    if (on === undefined || without === undefined) continue;
    starts.push(on.start / without.start);
    ends.early.push(on.early - without.early);
    ends.late.push(on.late - without.late);
  }
  console.log(
    `collector ${name}: listening, on against off, ratio ${median(starts).toFixed(3)} (aim: 1.00 within noise); gone ${median(ends.early).toFixed(1)} ms later where it is stopped at once, ${median(ends.late).toFixed(1)} ms where the report is under way (aim: at most 50)`,
  );
}

const memory: number[] = [];
const answers: Record<'on' | 'off', { first: number; slowest: number }[]> = { on: [], off: [] };
for (let round = 0; round < Math.min(rounds, 5); round++) {
  const config = configFor('healthy', addresses.healthy);
  const [on, without] = [await listening(config), await listening(config, ...off)];
  await delay(5_000);
  memory.push(rss(on) - rss(without));
  await Promise.all([on.stop(), without.stop()]);
  for (const [name, flags] of [
    ['on', []],
    ['off', off],
  ] as const) {
    const running = await listening(config, ...flags);
    answers[name].push(await queries(running.port));
    await running.stop();
  }
}
console.log(`five seconds after the start: ${median(memory).toFixed(1)} MB more than off (aim: at most 15)`);
const inMilliseconds = (name: 'on' | 'off', which: 'first' | 'slowest'): string =>
  median(answers[name].map((answer) => answer[which])).toFixed(1);
console.log(
  `connecting and the first query: ${inMilliseconds('on', 'first')} ms, off ${inMilliseconds('off', 'first')} ms; the slowest query of the first second: ${inMilliseconds('on', 'slowest')} ms, off ${inMilliseconds('off', 'slowest')} ms`,
);
collector.close();
await hole.close();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
