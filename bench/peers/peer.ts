import { type ChildProcess, spawn, spawnSync, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from '../measure.ts';

/** Something between a client and the database, or nothing. */
export interface Peer {
  readonly name: string;
  /** The program with its version. */
  readonly version: string;
  /** How it was started, without the paths of this run. */
  readonly command: string;
  readonly port: number;
  /** Null for the database itself. */
  readonly pid: number | null;
  stop(): Promise<void>;
}

/** What a peer is to stand in front of. */
export interface PeerPlace {
  /** A folder that other accounts can read. */
  readonly folder: string;
  /** Where the database listens on 127.0.0.1. */
  readonly databasePort: number;
  /** The most connections there will be. */
  readonly connections: number;
}

/** How a pooler asks its clients who they are; the backends are logged in ahead. */
export interface Asking {
  readonly method: 'trust' | 'scram-sha-256';
  /** With a line for the user `postgres`, as both poolers read it. */
  readonly usersFile: string;
}

/** Nothing this process started outlives it. */
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

const launcher = fileURLToPath(new URL('../../bin/gatewayd', import.meta.url));
const pipeProxy = fileURLToPath(new URL('pipe-proxy.ts', import.meta.url));

/** One synchronous tap each way that looks at every message. */
const looking = `let seen = 0;
const look = (batch) => {
  for (const message of batch.messages) seen += message.name.length;
};
export default {
  version: '1.0.0',
  apply(host) {
    host.hooks.trafficFromClient.tap('looking', look);
    host.hooks.trafficFromServer.tap('looking', look);
  },
};
`;

/** Where Debian keeps programs that are no user's to call. */
function program(name: string, debianPackage: string): string {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];
  const found = folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${name} is not installed: apt-get install ${debianPackage}`);
  return found;
}

/** What is to be installed before anything can be measured. */
export function missingPrograms(): string[] {
  const wanted = { pgbench: 'postgresql-contrib', pgbouncer: 'pgbouncer', haproxy: 'haproxy' };
  return Object.entries(wanted).flatMap(([name, debianPackage]) => {
    try {
      program(name, debianPackage);
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
}

function firstLine(file: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  return (stdout || stderr).split('\n')[0]?.trim() ?? '';
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function listens(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await delay(20);
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill();
  await gone;
}

async function started(
  facts: { name: string; version: string; command: string; port: number },
  file: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<Peer> {
  const child = spawn(file, args, { env: plainEnvironment(), stdio: ['ignore', 'ignore', 'inherit'], ...options });
  children.add(child);
  await listens(facts.port, child);
  return { ...facts, pid: child.pid as number, stop: () => stopped(child) };
}

export function direct(port: number, version: string): Peer {
  return {
    name: 'direct',
    version: `PostgreSQL ${version}`,
    command: '',
    port,
    pid: null,
    stop: async () => undefined,
  };
}

/** @param asking null lets everybody in */
export async function pgbouncer(
  { folder, databasePort, connections }: PeerPlace,
  asking: Asking | null = null,
): Promise<Peer> {
  const file = program('pgbouncer', 'pgbouncer');
  const port = await freePort();
  const config = path.join(folder, 'pgbouncer.ini');
  writeFileSync(
    config,
    `[databases]
postgres = host=127.0.0.1 port=${databasePort} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
${asking === null ? 'auth_type = any' : `auth_type = ${asking.method}\nauth_file = ${asking.usersFile}`}
pool_mode = session
max_client_conn = ${connections + 100}
default_pool_size = ${connections + 10}
log_connections = 0
log_disconnections = 0
log_stats = 0
`,
  );
  // It will not run as root.
  const account = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const command = 'pgbouncer -q (pool_mode = session)';
  const version = firstLine(file, '--version');
  return started({ name: 'PgBouncer', version, command, port }, file, ['-q', ...account, config]);
}

export async function haproxy({ folder, databasePort, connections }: PeerPlace): Promise<Peer> {
  const file = program('haproxy', 'haproxy');
  const port = await freePort();
  const config = path.join(folder, 'haproxy.cfg');
  writeFileSync(
    config,
    `global
  maxconn ${connections + 100}
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen postgres
  bind 127.0.0.1:${port}
  server database 127.0.0.1:${databasePort}
`,
  );
  const command = 'haproxy -f (mode tcp, nbthread 1)';
  const version = firstLine(file, '-v').replace(/ - .*/, '');
  return started({ name: 'HAProxy', version, command, port }, file, ['-q', '-db', '-f', config]);
}

export async function socketPipe({ databasePort }: PeerPlace): Promise<Peer> {
  const port = await freePort();
  const args = ['--import=tsx', pipeProxy, String(port), String(databasePort)];
  const facts = { name: 'socket.pipe', version: `Node.js ${process.version}`, command: 'bench/peers/pipe-proxy.ts' };
  return started({ ...facts, port }, process.execPath, args);
}

/**
 * @param tapped whether a plugin looks at every message, in both directions
 * @param asking null where the database asks, and backends are not logged in ahead
 */
export async function gatewayd(place: PeerPlace, tapped: boolean, asking: Asking | null = null): Promise<Peer> {
  const home = mkdtempSync(path.join(place.folder, 'gatewayd-'));
  mkdirSync(path.join(home, 'plugins'));
  if (tapped) writeFileSync(path.join(home, 'plugins', 'looking.js'), looking);
  const port = await freePort();
  const config = path.join(home, 'gatewayd.yaml');
  const login = asking === null ? '' : ', startupParams: { user: postgres }';
  const users = asking?.method === 'trust' ? '' : `, usersFile: ${asking?.usersFile ?? ''}`;
  const auth = asking === null ? '' : `, auth: { method: ${asking.method}${users} }`;
  writeFileSync(
    config,
    `clients: { default: { writes: { address: '127.0.0.1:${place.databasePort}'${login} } } }
pools: { default: { writes: { size: ${place.connections + 10} } } }
servers: { default: { address: '127.0.0.1:${port}'${auth} } }
`,
  );
  const args = [launcher, 'run', '-c', config, '--usage-report=false'];
  const name = tapped ? 'gatewayd, a tap each way' : 'gatewayd';
  const version = `${firstLine(process.execPath, launcher, '--version')}, Node.js ${process.version}`;
  return started({ name, version, command: 'gatewayd run --usage-report=false', port }, process.execPath, args);
}
