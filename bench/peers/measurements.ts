import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { median } from '../measure.ts';
import { gatewayd, pgbouncer, type Peer } from './peer.ts';
import { pgbench, pgbenchLatencies } from './pgbench.ts';
import { cpuOf, rssOf } from './process-usage.ts';
import { WireConnection } from './wire.ts';

/** How long and how often. */
export interface Effort {
  readonly rounds: number;
  readonly seconds: number;
}

/** What is measured of a peer: figures by their names. */
export type Figures = Record<string, number>;

/** One thing measured of all peers. */
export interface Outcome {
  readonly title: string;
  /** The command, or what was done. */
  readonly how: string;
  readonly peers: readonly { readonly peer: string; readonly figures: Figures }[];
}

type Measure = (peer: Peer) => Promise<Figures>;

/**
 * Goes round by round through the peers, so that a noisy machine disturbs them alike. Gives the medians. The first round
 * does not count: what compiles its code while it runs has not done so yet.
 */
async function roundRobin(peers: readonly Peer[], rounds: number, measure: Measure): Promise<Outcome['peers']> {
  const taken = new Map<Peer, Figures[]>(peers.map((peer) => [peer, []]));
  for (let round = -1; round < rounds; round++) {
    for (const peer of peers) {
      const figures = await measure(peer);
      if (round >= 0) taken.get(peer)?.push(figures);
    }
  }
  return peers.map((peer) => {
    const runs = taken.get(peer) ?? [];
    const names = Object.keys(runs[0] ?? {});
    const figures = names.map((name) => [name, median(runs.map((run) => run[name] ?? Number.NaN))] as const);
    return { peer: peer.name, figures: Object.fromEntries(figures) };
  });
}

/** Transactions a second, and microseconds of the peer's CPU for each. */
export async function throughput(
  peers: readonly Peer[],
  { rounds, seconds }: Effort,
  { title, args, clients }: { readonly title: string; readonly args: readonly string[]; readonly clients: number },
): Promise<Outcome> {
  const all = [...args, '-c', String(clients), '-T', String(seconds)];
  const measured = await roundRobin(peers, rounds, async ({ port, pid }) => {
    const before = pid === null ? 0 : cpuOf(pid);
    const { transactionsPerSecond, transactions } = await pgbench(port, all);
    const cpu = pid === null ? 0 : ((cpuOf(pid) - before) * 1000) / transactions;
    return { tps: transactionsPerSecond, 'CPU us/tx': cpu };
  });
  return { title, how: `pgbench ${all.join(' ')}, ${rounds} rounds`, peers: measured };
}

/** Half of all transactions take at most so long; without the database's own time, in the second figure. */
export async function latency(peers: readonly Peer[], { rounds, seconds }: Effort): Promise<Outcome> {
  const args = ['-n', '-S', '-M', 'prepared', '-c', '1', '-T', String(seconds)];
  const measured = await roundRobin(peers, rounds, async ({ port }) => {
    const all = await pgbenchLatencies(port, args);
    return { 'p50 us': median([...all]), 'p99 us': all[Math.floor(all.length * 0.99)] ?? Number.NaN };
  });
  const direct = measured.find(({ peer }) => peer === 'direct')?.figures['p50 us'] ?? Number.NaN;
  const added = measured.map(({ peer, figures }) => ({
    peer,
    figures: { ...figures, 'p50 added us': (figures['p50 us'] ?? Number.NaN) - direct },
  }));
  return { title: 'Latency at one client', how: `pgbench ${args.join(' ')} -l, ${rounds} rounds`, peers: added };
}

/** Megabytes a second of a large result, and by how much the peer's memory grew at most while it passed. */
export async function largeResult(peers: readonly Peer[], { rounds }: Effort): Promise<Outcome> {
  const sql = "select repeat('x', 1000) from generate_series(1, 100000)";
  const measured = await roundRobin(peers, rounds, async ({ port, pid }) => {
    const connection = await WireConnection.open(port);
    // A first one makes room for what any of them needs.
    await connection.query(sql);
    const before = pid === null ? 0 : rssOf(pid);
    const cpuBefore = pid === null ? 0 : cpuOf(pid);
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, pid === null ? 0 : rssOf(pid))), 20);
    const start = performance.now();
    const bytes = await connection.query(sql);
    const took = performance.now() - start;
    clearInterval(watch);
    connection.close();
    const cpu = pid === null ? 0 : cpuOf(pid) - cpuBefore;
    return { 'MB/s': bytes / 1000 / took, 'CPU ms': cpu, 'RSS growth MB': (most - before) / 1e6 };
  });
  return { title: 'A result of 100 MB', how: `${sql}, ${rounds} rounds`, peers: measured };
}

/** Kilobytes of memory for each of many sessions that do nothing, before a database that is none. */
export async function idleSessions(folder: string, sessions: number): Promise<Outcome> {
  const script = fileURLToPath(new URL('fake-database.ts', import.meta.url));
  const database = spawn(process.execPath, ['--import=tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => database.kill('SIGKILL'));
  const [said] = (await once(database.stdout, 'data')) as [Buffer];
  const place = { folder, databasePort: Number(said), connections: sessions };
  const peers = [];
  for (const make of [() => pgbouncer(place), () => gatewayd(place, false), () => gatewayd(place, true)]) {
    const peer = await make();
    peers.push({ peer: peer.name, figures: await memoryOf(peer, sessions) });
    await peer.stop();
  }
  database.kill();
  return { title: `${sessions} idle sessions`, how: 'one query each, then nothing, before a fake database', peers };
}

async function memoryOf({ pid, port }: Peer, sessions: number): Promise<Figures> {
  if (pid === null) return {};
  // One session has been served: what is there before is loaded already.
  (await openIdle(port)).destroy();
  await settled();
  const empty = rssOf(pid);
  const sockets: Socket[] = [];
  for (let opened = 0; opened < sessions; opened += 50) {
    const few = Array.from({ length: Math.min(50, sessions - opened) }, () => openIdle(port));
    sockets.push(...(await Promise.all(few)));
  }
  await settled();
  const full = rssOf(pid);
  for (const socket of sockets) socket.destroy();
  return { 'KB a session': (full - empty) / 1024 / sessions, 'empty MB': empty / 1e6 };
}

/** Idle processes give memory back after a while. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5000));

async function openIdle(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0');
  socket.write(Buffer.concat([Buffer.from([0, 0, 0, 8 + parameters.length, 0, 3, 0, 0]), parameters]));
  await until(socket, 'Z');
  socket.write(Buffer.from([0x51, 0, 0, 0, 6, 0x3b, 0]));
  await until(socket, 'Z');
  socket.on('error', () => undefined);
  return socket;
}

/** Waits for an answer whose last message has this type and a body of one byte. */
function until(socket: Socket, type: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('the session was closed'));
    let seen = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      seen = Buffer.concat([seen, chunk]);
      if (seen.at(-6) !== type.charCodeAt(0)) return;
      socket.off('data', read).off('close', closed);
      resolve();
    };
    socket.on('data', read).on('close', closed);
  });
}
