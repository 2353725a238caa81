// Plugins in threads and processes of their own: calls a second with 64 under way and one at a time, and how long it
// takes until a death is noticed and the plugin serves again.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { defaultPluginRow } from '../lib/config/plugin-row.ts';
import { isolatedRunner } from '../lib/isolation/isolated-runner.ts';
import { pino } from 'pino';
import { PluginHost } from '../lib/plugin/host.ts';
import { messages } from '../lib/protocol/messages.ts';
import { ClientBatch } from '../lib/traffic/client-batch.ts';
import { specSession } from '../spec/support/tapped-relay.ts';
import { median, printHeader } from './measure.ts';

const MILLISECONDS = 1_500;
const DEATHS = 3;
const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));
const directory = path.join(folder, 'plugins');
mkdirSync(directory);
writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }\n');
writeFileSync(
  path.join(directory, 'counting.js'),
  `let seen = 0;
export default { apply({ hooks, logger }) {
  hooks.trafficFromClient.tap('count', ({ query }) => void (seen += query.length));
  hooks.hook.tap('die', () => void setTimeout(process.exit, 0, 1));
  logger.info('pid ' + process.pid);
} };\n`,
);
const bytes = messages.query(`SELECT * FROM pgbench_accounts WHERE aid = 12345 -- ${'x'.repeat(40)}`).bytes;
const log = new Map<string, number>();
const watched = pino({ level: 'info' }, { write: (line: string) => noteTime(line) });

function noteTime(line: string): void {
  const pid = /"pid (\d+)"/.exec(line)?.[1];
  if (pid !== undefined) log.set('pid', Number(pid));
  if (line.includes('ISOLATION_CRASHED')) log.set('noticed', performance.now());
  if (line.includes('plugin started again')) log.set('again', performance.now());
}

async function start(isolation: 'none' | 'worker' | 'process'): Promise<PluginHost> {
  const host = new PluginHost({
    version: '1.0.0',
    logger: watched,
    directory,
    directoryGiven: true,
    builtInDirectory: path.join(folder, 'none'),
    builtIns: [],
    lockFile: path.join(folder, 'plugins.lock'),
    verify: 'off',
    devMode: false,
    rows: [{ ...defaultPluginRow('counting'), isolation }],
    timeout: 10_000,
    runners: async (place) =>
      place === 'none'
        ? undefined
        : isolatedRunner(place, {
            logger: watched,
            timeout: 10_000,
            startTimeout: 20_000,
            healthCheckPeriod: 5_000,
            reloadOnCrash: true,
          }),
  });
  await host.load();
  return host;
}

/** Calls a second with so many under way. */
async function throughput(host: PluginHost, inFlight: number): Promise<number> {
  let calls = 0;
  const begun = performance.now();
  const until = begun + MILLISECONDS;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < until) {
        await new Promise<void>((resolve) => {
          host.hooks.trafficFromClient.callAsync(new ClientBatch(specSession, [bytes]), () => resolve());
        });
        calls++;
      }
    }),
  );
  return (calls * 1000) / (performance.now() - begun);
}

printHeader(`plugins in places of their own: ${bytes.length} bytes a call, ${MILLISECONDS} ms each`);
const hold = setInterval(() => undefined, 1_000);
for (const isolation of ['none', 'worker', 'process'] as const) {
  const host = await start(isolation);
  const rounds: number[] = [];
  await throughput(host, 64);
  for (let round = 0; round < 3; round++) rounds.push(await throughput(host, 64));
  const alone = await throughput(host, 1);
  console.log(
    `isolation: ${isolation}: ${Math.round(median(rounds))} calls/s with 64 under way (aim for worker: 80,000), ${Math.round(alone)} one at a time`,
  );
  await host.deactivate();
}
for (const isolation of ['worker', 'process'] as const) {
  const noticed: number[] = [];
  const again: number[] = [];
  const starts: number[] = [];
  for (let round = 0; round < DEATHS; round++) {
    const begun = performance.now();
    log.clear();
    const host = await start(isolation);
    starts.push(performance.now() - begun);
    while (!log.has('pid')) await new Promise((later) => setTimeout(later, 2));
    const pid = log.get('pid') ?? Number.NaN;
    log.clear();
    const died = performance.now();
    if (isolation === 'process') process.kill(pid, 'SIGKILL');
    else await host.hooks.hook.promise({ name: 'die', data: null });
    while (!log.has('again')) await new Promise((later) => setTimeout(later, 2));
    noticed.push((log.get('noticed') ?? Number.NaN) - died);
    again.push((log.get('again') ?? Number.NaN) - died);
    await host.deactivate();
  }
  const [noticedMs, againMs, startMs] = [noticed, again, starts].map((times) => median(times).toFixed(1));
  console.log(
    `isolation: ${isolation}: a death is noticed after ${noticedMs} ms (aim: 20; ${isolation === 'process' ? 'killed by a signal' : 'by process.exit, the call that asks for it included'}), the plugin serves again after ${againMs} ms; a start takes ${startMs} ms (aim: at most 100 ms more than that)`,
  );
}
clearInterval(hold);
rmSync(folder, { recursive: true, force: true });
