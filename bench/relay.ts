// Transactions a second of pgbench through the gateway, against a plain socket.pipe proxy and against no proxy: without
// a tap, and with one synchronous tap that looks at every message both ways. Needs pgbench on the PATH.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '../lib/embedded/embedded-postgres.ts';
import { silentLogger } from '../lib/logger.ts';
import { alternate, printHeader } from './measure.ts';
import { type RunningGateway, startGateway } from './running-gateway.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));
const database = await startEmbeddedPostgres({ directory: null, logger: silentLogger(), network: 'tcp' });

/** A gateway in a process of its own, with the plugins given by name and text. */
async function gateway(plugins: Record<string, string>): Promise<RunningGateway> {
  const home = mkdtempSync(path.join(folder, 'home-'));
  mkdirSync(path.join(home, 'plugins'));
  for (const [name, text] of Object.entries(plugins)) writeFileSync(path.join(home, 'plugins', `${name}.js`), text);
  const config = path.join(home, 'gatewayd.yaml');
  writeFileSync(
    config,
    `clients: { default: { writes: { address: '127.0.0.1:${database.port}' } } }
pools: { default: { writes: { size: 50 } } }
servers: { default: { address: 127.0.0.1:0 } }
`,
  );
  return startGateway(config, ['--usage-report=false']);
}

const pipe = createServer((client) => {
  const server = connect({ port: database.port, host: '127.0.0.1', noDelay: true });
  client.setNoDelay(true);
  client.pipe(server).pipe(client);
  client.on('error', () => server.destroy());
  server.on('error', () => client.destroy());
}).listen(0, '127.0.0.1');
await once(pipe, 'listening');
const pipePort = (pipe.address() as { port: number }).port;

const looking = `let seen = 0;
export default {
  version: '1.0.0',
  apply(host) {
    host.hooks.trafficFromClient.tap('looking', (batch) => { for (const message of batch.messages) seen += message.name.length; });
    host.hooks.trafficFromServer.tap('looking', (batch) => { for (const message of batch.messages) seen += message.name.length; });
  },
};
`;
const bare = await gateway({});
const tapped = await gateway({ looking });
const idle = await gateway(
  Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [`idle-${index}`, "export default { version: '1.0.0', apply() {} };\n"]),
  ),
);

const environment = { ...process.env, PGHOST: '127.0.0.1', PGUSER: 'postgres', PGDATABASE: 'postgres' };
const seconds = 3;

async function transactions(port: number, clients: number): Promise<number> {
  const child = spawn('pgbench', ['-n', '-S', '-M', 'prepared', '-c', String(clients), '-T', String(seconds)], {
    env: { ...environment, PGPORT: String(port) },
  });
  let output = '';
  child.stdout.on('data', (data) => (output += String(data)));
  await once(child, 'close');
  const rate = /tps = ([\d.]+)/.exec(output)?.[1];
  if (rate === undefined) throw new Error('pgbench said nothing of transactions a second');
  return Number(rate);
}

printHeader(
  `relay; ${spawnSync('pgbench', ['--version'], { encoding: 'utf8' }).stdout.trim()}, server ${database.version}; pgbench -n -S -M prepared -T ${seconds}`,
);
spawnSync('pgbench', ['-i', '-q', '-s', '1'], { env: { ...environment, PGPORT: String(database.port) } });
for (const clients of [1, 16]) {
  const rates = await alternate(5, {
    direct: () => transactions(database.port, clients),
    pipe: () => transactions(pipePort, clients),
    bare: () => transactions(bare.port, clients),
    idle: () => transactions(idle.port, clients),
    tapped: () => transactions(tapped.port, clients),
  });
  const ratio = (value: number, base: number) => (value / base).toFixed(2);
  console.log(
    `${clients} client${clients === 1 ? '' : 's'}, medians of transactions a second: direct ${rates.direct.toFixed(0)}, socket.pipe ${rates.pipe.toFixed(0)}, gatewayd ${rates.bare.toFixed(0)}, with 10 idle plugins ${rates.idle.toFixed(0)}, with a tap on every message ${rates.tapped.toFixed(0)}`,
  );
  console.log(
    `  gatewayd / socket.pipe ${ratio(rates.bare, rates.pipe)}, gatewayd / direct ${ratio(rates.bare, rates.direct)}, 10 idle plugins / none ${ratio(rates.idle, rates.bare)}, a tap / none ${ratio(rates.tapped, rates.bare)}`,
  );
}
for (const one of [bare, idle, tapped]) await one.stop();
pipe.close();
await database.stop();
rmSync(folder, { recursive: true, force: true });
process.exit();
