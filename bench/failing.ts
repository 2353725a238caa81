// Transactions a second of pgbench through the gateway while a plugin fails 10,000 times a second, against the gateway
// without it; and while every call of a traffic tap fails, against the same tap that does nothing. Needs pgbench on the PATH.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '../lib/embedded/embedded-postgres.ts';
import { silentLogger } from '../lib/logger.ts';
import { alternate, plainEnvironment, printHeader } from './measure.ts';

const launcher = fileURLToPath(new URL('../bin/gatewayd', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));
const database = await startEmbeddedPostgres({ directory: null, logger: silentLogger(), network: 'tcp' });
const clients = 4;
const seconds = 3;

interface Gateway {
  readonly port: number;
  stop(): Promise<void>;
}

/** A gateway in a process of its own with one plugin. */
async function gateway(plugin: string | null, row = ''): Promise<Gateway> {
  const home = mkdtempSync(path.join(folder, 'home-'));
  mkdirSync(path.join(home, 'plugins'));
  if (plugin !== null) writeFileSync(path.join(home, 'plugins', 'failing.js'), plugin);
  const config = path.join(home, 'gatewayd.yaml');
  writeFileSync(
    config,
    `clients: { default: { writes: { address: '127.0.0.1:${database.port}' } } }
servers: { default: { address: 127.0.0.1:0 } }
plugins: [{ name: failing, enabled: ${plugin !== null}${row} }]
`,
  );
  const child = spawn(process.execPath, [launcher, 'run', '-c', config, '--usage-report=false', '--sentry=false'], {
    env: plainEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    if (output.includes('"msg":"ready"')) break;
  }
  child.stdout.resume();
  const stop = async (): Promise<void> => {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  };
  return { port: Number(/"address":"127\.0\.0\.1:(\d+)"/.exec(output)?.[1]), stop };
}

/** Source of a plugin with this body of `apply`. */
const applying = (body: string): string => `export default { version: '1.0.0', apply(host) { ${body} } };\n`;
const thrower = `() => { throw new Error('of the plugin'); }`;
/** Has a tap called 10,000 times a second. */
const often = applying(`host.hooks.hook.tap('fails', ${thrower});
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    for (let due = Math.min((now - last) * 10, 1000); due > 0; due--) host.emit('go', due);
    last = now;
  }, 5);
  return () => clearInterval(timer);`);
const traffic = (tap: string): string => applying(`host.hooks.trafficFromClient.tap('fails', ${tap});`);

/** Of a gateway that is there only so long: what fails in one is not to slow down another. */
async function transactions(plugin: string | null, row = ''): Promise<number> {
  const running = await gateway(plugin, row);
  const rate = await pgbench(running.port);
  await running.stop();
  return rate;
}

async function pgbench(port: number): Promise<number> {
  const given = ['-n', '-S', '-M', 'prepared', '-c', String(clients), '-T', String(seconds)];
  const env = { ...process.env, PGHOST: '127.0.0.1', PGUSER: 'postgres', PGDATABASE: 'postgres', PGPORT: String(port) };
  const child = spawn('pgbench', given, { env });
  let output = '';
  child.stdout.on('data', (data) => (output += String(data)));
  await once(child, 'close');
  const rate = /tps = ([\d.]+)/.exec(output)?.[1];
  if (rate === undefined) throw new Error('pgbench said nothing of transactions a second');
  return Number(rate);
}

const env = { ...process.env, PGHOST: '127.0.0.1', PGUSER: 'postgres', PGPORT: String(database.port) };
spawnSync('pgbench', ['-i', '-q', '-s', '1', 'postgres'], { env });
const version = spawnSync('pgbench', ['--version'], { encoding: 'utf8' }).stdout.trim();
printHeader(
  `failing plugins; ${version}, server ${database.version}; pgbench -n -S -M prepared -c ${clients} -T ${seconds}`,
);
const rates = await alternate(5, {
  without: () => transactions(null),
  failing: () => transactions(often),
  closed: () => transactions(often, ', breaker: { failures: 0 }'),
  quiet: () => transactions(traffic('() => {}')),
  failingTraffic: () => transactions(traffic(thrower)),
});
const print = (what: string, rate: number, base: number): void => {
  const ratio = (rate / base).toFixed(3);
  console.log(`${what}: ${rate.toFixed(0)} against ${base.toFixed(0)} transactions a second, ratio ${ratio}`);
};
print('10,000 failures a second (aim: at least 0.95)', rates.failing, rates.without);
print('the same with a breaker that never opens', rates.closed, rates.without);
print('a traffic tap that always fails, against one that does nothing', rates.failingTraffic, rates.quiet);

await database.stop();
rmSync(folder, { recursive: true, force: true });
process.exit();
