import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Logger } from '../logger.ts';
import { DirectSocket } from './direct-socket.ts';

/** How long the trial may take at most, and to connect before it, in milliseconds: the first clients wait for it. */
const trialTimeout = 1000;
/** More than any kernel takes for a reader that does not read. */
const most = 64 * 2 ** 20;

/** What is sent counts up to here, over and over: a prime number, so that no buffer begins twice in the same place of it. */
const period = 251;
/** In one piece at most, which is what is read at once. */
const longest = 65_536;

let verdict: Promise<boolean> | null = null;

/**
 * Whether a `DirectSocket` does what it is to do on this Node.js: it uses what has no promise to stay as it is. Found out
 * once in a process, when it is first asked, by bytes that go through a connection over loopback and have to come out as
 * they went in: at once, later because the kernel has no room, and as a stream again. That takes some milliseconds.
 * Never rejects; where it cannot be found out, the answer is no.
 * @param logger told once if not
 */
export function directSocketsWork(logger: Logger): Promise<boolean> {
  return (verdict ??= tryDirectSockets().then(
    () => true,
    (error: unknown) => {
      const fields = { node: process.version, err: error };
      logger.warn(
        fields,
        'sockets cannot be used below their streams here: relaying takes more CPU than it would have to',
      );
      return false;
    },
  ));
}

/** @throws what is not as it is to be */
async function tryDirectSockets(): Promise<void> {
  const pair = await loopbackPair();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('what was written did not come out')), trialTimeout);
    for (const socket of pair) socket.on('error', reject);
  });
  try {
    await Promise.race([passThrough(...pair), late]);
  } finally {
    clearTimeout(timer);
    for (const socket of pair) socket.destroy();
  }
}

async function passThrough(near: Socket, far: Socket): Promise<void> {
  let [written, emptied] = [(): void => undefined, (): void => undefined];
  const allWritten = new Promise<void>((resolve) => (written = resolve));
  const from = DirectSocket.of(near, () => written());
  const to = DirectSocket.of(far, () => undefined);
  if (from === null || to === null) throw new Error('they have no such inside');
  const pattern = Buffer.alloc(
    longest + period,
    Uint8Array.from({ length: period }, (_, at) => at),
  );
  let [sent, received] = [0, 0];
  const take = (bytes: Buffer): void => {
    const at = received % period;
    if (!bytes.equals(pattern.subarray(at, at + bytes.length))) {
      return void near.destroy(new Error(`other bytes came out than went in, after ${received}`));
    }
    received += bytes.length;
    if (received === sent) emptied();
  };
  const send = (length: number): boolean => {
    const at = sent % period;
    sent += length;
    return from.write(pattern.subarray(at, at + length));
  };
  const arrival = (): Promise<void> => new Promise((resolve) => (emptied = resolve));

  far.resume();
  to.read(take);
  let arrived = arrival();
  if (!send(5)) throw new Error('five bytes were not taken at once');
  await arrived;
  arrived = arrival();
  while (send(longest)) if (sent > most) throw new Error('what is not read is taken without end');
  if (from.pending === 0) throw new Error('nothing is pending where not all was taken');
  await Promise.all([allWritten, arrived]);
  to.release();
  arrived = arrival();
  far.on('data', take);
  send(1000);
  await arrived;
}

/** Both ends of a connection; the first is the one that connected. Whoever else finds the listener is sent away. */
async function loopbackPair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  const comers = new Set<Socket>();
  try {
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const near = connect(port, '127.0.0.1');
    // A packet filter can leave it without an answer for minutes.
    near.setTimeout(trialTimeout, () => near.destroy(new Error('there was no connection over loopback')));
    const far = await new Promise<Socket>((resolve, reject) => {
      const choose = (): void => {
        const ours = [...comers].find(({ remotePort }) => remotePort !== undefined && remotePort === near.localPort);
        if (ours !== undefined && !near.connecting) resolve(ours);
      };
      server.on('connection', (comer) => {
        comers.add(comer.on('error', () => undefined));
        choose();
      });
      near.on('connect', choose).on('error', reject);
    });
    near.setTimeout(0);
    comers.delete(far);
    return [near, far];
  } finally {
    server.close();
    for (const stranger of comers) stranger.destroy();
  }
}
