// Transactions a second of pgbench through a gateway whose plugin fails 10,000 times a second while there are clients,
// through one with ten idle plugins, and through one without any; and through one in which every call of a traffic tap
// fails, against the same tap that does nothing. All gateways are there all the time; each is asked right before or right
// after the one it is compared with, in short rounds, and a ratio is the median of those of all rounds. As a machine that
// does other things makes much of that, also what of a processor a transaction takes, and the failures by themselves
// (Linux). Needs pgbench on the PATH.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '../lib/embedded/embedded-postgres.ts';
import { silentLogger } from '../lib/logger.ts';
import { median, printHeader, takeTurns } from './measure.ts';
import { type RunningGateway, startGateway } from './running-gateway.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));
const database = await startEmbeddedPostgres({ directory: null, logger: silentLogger(), network: 'tcp' });
const clients = 4;
const transactions = 1_000;
const rounds = 15;

interface Gateway extends Pick<RunningGateway, 'port' | 'stop'> {
  /** What its main thread has had of a processor, in milliseconds; NaN where nobody knows. */
  taken(): number;
}

/**
 * A gateway in a process of its own.
 * @param plugins the source of each
 * @param row what is said of the first in the configuration
 */
async function gateway(plugins: readonly string[], row = ''): Promise<Gateway> {
  const home = mkdtempSync(path.join(folder, 'home-'));
  mkdirSync(path.join(home, 'plugins'));
  for (const [index, source] of plugins.entries())
    writeFileSync(path.join(home, 'plugins', `plugin-${index}.js`), source);
  const config = path.join(home, 'gatewayd.yaml');
  writeFileSync(
    config,
    `clients: { default: { writes: { address: '127.0.0.1:${database.port}' } } }
servers: { default: { address: 127.0.0.1:0 } }
plugins: [{ name: plugin-0, enabled: ${plugins.length > 0}${row} }]
`,
  );
  const { child, port, stop } = await startGateway(config, ['--usage-report=false', '--sentry=false']);
  const schedule = `/proc/${child.pid}/schedstat`;
  const taken = (): number =>
    existsSync(schedule) ? Number(readFileSync(schedule, 'utf8').split(' ')[0]) / 1e6 : Number.NaN;
  return { port, taken, stop };
}

/** Source of a plugin with this body of `apply`. */
const applying = (body: string): string => `export default { version: '1.0.0', apply(host) { ${body} } };\n`;
const nothing = '() => {}';
const thrower = `() => { throw new Error('of the plugin'); }`;
/** Has a tap called 10,000 times a second for as long as there are sessions. */
const often = (tap: string): string =>
  applying(`const { hooks } = host;
  hooks.hook.tap('often', ${tap});
  let sessions = 0;
  let last = 0;
  let timer;
  hooks.opened.tap('begin', () => {
    if (sessions++ > 0) return;
    last = performance.now();
    timer = setInterval(() => {
      const now = performance.now();
      for (let due = Math.min((now - last) * 10, 1000); due > 0; due--) host.emit('go', due);
      last = now;
    }, 5);
  });
  hooks.closed.tap('end', () => { if (--sessions === 0) clearInterval(timer); });`);
const traffic = (tap: string): string => applying(`host.hooks.trafficFromClient.tap('fails', ${tap});`);
const idle = applying(`host.hooks.startup.tap('hello', () => {}); host.hooks.opened.tap('hello', () => {});`);

async function pgbench({ port }: Gateway, ...more: readonly string[]): Promise<number> {
  const given = ['-n', '-S', '-M', 'prepared', '-c', String(clients), ...more];
  const env = { ...process.env, PGHOST: '127.0.0.1', PGUSER: 'postgres', PGDATABASE: 'postgres', PGPORT: String(port) };
  const child = spawn('pgbench', given, { env });
  let output = '';
  child.stdout.on('data', (data) => (output += String(data)));
  await once(child, 'close');
  const rate = /tps = ([\d.]+)/.exec(output)?.[1];
  if (rate === undefined) throw new Error('pgbench said nothing of transactions a second');
  return Number(rate);
}

/** Milliseconds of a processor that a gateway takes in a second in which it has clients with next to nothing to do. */
async function share(running: Gateway): Promise<number> {
  const [before, started] = [running.taken(), performance.now()];
  await pgbench(running, '-R', '20', '-T', '1');
  return ((running.taken() - before) * 1000) / (performance.now() - started);
}

const env = { ...process.env, PGHOST: '127.0.0.1', PGUSER: 'postgres', PGPORT: String(database.port) };
spawnSync('pgbench', ['-i', '-q', '-s', '1', 'postgres'], { env });
const version = spawnSync('pgbench', ['--version'], { encoding: 'utf8' }).stdout.trim();
printHeader(
  `failing plugins; ${version}, server ${database.version}; pgbench -n -S -M prepared -c ${clients} -t ${transactions}, ${rounds} rounds`,
);
const gateways = {
  without: await gateway([]),
  again: await gateway([]),
  idle: await gateway(Array.from({ length: 10 }, () => idle)),
  called: await gateway([often(nothing)]),
  failing: await gateway([often(thrower)]),
  closed: await gateway([often(thrower)], ', breaker: { failures: 0 }'),
  quiet: await gateway([traffic(nothing)]),
  failingTraffic: await gateway([traffic(thrower)]),
};
type Name = keyof typeof gateways;

/** Transactions a second, and microseconds of a processor for one of them. */
interface Taken {
  readonly rate: number;
  readonly processor: number;
}

async function take(running: Gateway): Promise<Taken> {
  const before = running.taken();
  const rate = await pgbench(running, '-t', String(transactions));
  return { rate, processor: ((running.taken() - before) * 1000) / (clients * transactions) };
}

/** What is said of each pair, and the two: the one and the one it is compared with. */
const pairs: readonly (readonly [what: string, name: Name, base: Name])[] = [
  ['another gateway without plugins: what the machine alone makes of it', 'again', 'without'],
  ['10 idle plugins (aim: no loss)', 'idle', 'without'],
  ['10,000 failures a second (aim: at least 0.95)', 'failing', 'without'],
  ['the same with a breaker that never opens', 'closed', 'without'],
  ['a traffic tap that always fails, against one that does nothing', 'failingTraffic', 'quiet'],
];
for (const running of Object.values(gateways)) await take(running); // to warm up
const taken = pairs.map((): { readonly one: Taken; readonly other: Taken }[] => []);
for (let round = 0; round < rounds; round++) {
  for (const [index, [, name, base]] of pairs.entries()) {
    const first = await take(gateways[round % 2 === 0 ? base : name]);
    const second = await take(gateways[round % 2 === 0 ? name : base]);
    taken[index]?.push(round % 2 === 0 ? { one: second, other: first } : { one: first, other: second });
  }
}
const shares = await takeTurns(
  3,
  Object.fromEntries(Object.entries(gateways).map(([name, running]) => [name, () => share(running)])) as Record<
    Name,
    () => Promise<number>
  >,
);
for (const [index, [what]] of pairs.entries()) {
  const all = taken[index] ?? [];
  const ratios = all.map(({ one, other }) => one.rate / other.rate).sort((a, b) => a - b);
  const [low, high] = [ratios[Math.floor(rounds / 4)], ratios[Math.floor((3 * rounds) / 4)]];
  const middle = (values: readonly Taken[], key: keyof Taken): number => median(values.map((one) => one[key]));
  const [ones, others] = [all.map(({ one }) => one), all.map(({ other }) => other)];
  const processor = median(all.map(({ one, other }) => one.processor / other.processor));
  console.log(
    `${what}: ${middle(ones, 'rate').toFixed(0)} against ${middle(others, 'rate').toFixed(0)} transactions a second, ratio ${median(ratios).toFixed(3)} (half of all rounds within ${low?.toFixed(2)} and ${high?.toFixed(2)}); of a processor ${middle(ones, 'processor').toFixed(1)} against ${middle(others, 'processor').toFixed(1)} us each, ratio ${processor.toFixed(3)}`,
  );
}
for (const [name, what] of [
  ['without', 'nothing'],
  ['called', '10,000 calls a second that go well'],
  ['failing', '10,000 failures a second'],
  ['closed', 'the same with a breaker that never opens'],
] as const) {
  console.log(`${what}: ${median(shares[name]).toFixed(1)} ms of a processor in a second`);
}

await Promise.all(Object.values(gateways).map((running) => running.stop()));
await database.stop();
rmSync(folder, { recursive: true, force: true });
process.exit();
