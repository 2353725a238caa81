import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

// The thread listens and then never runs again, so that nobody takes connections off the kernel's queue; once that is
// full, the kernel answers no SYN any more, as a firewall that drops packets would not.
const listener = `
  const { createServer } = require('node:net');
  const { parentPort } = require('node:worker_threads');
  const server = createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** A port on loopback that never answers. */
export class BlackHole {
  readonly port: number;
  readonly #worker: Worker;
  readonly #fillers: readonly Socket[];

  private constructor(port: number, worker: Worker, fillers: readonly Socket[]) {
    this.port = port;
    this.#worker = worker;
    this.#fillers = fillers;
  }

  static async open(): Promise<BlackHole> {
    const worker = new Worker(listener, { eval: true });
    const [port] = (await once(worker, 'message')) as [number];
    // Linux queues one connection more than the backlog says.
    const fillers = [0, 1].map(() => connect(port, '127.0.0.1').on('error', () => {}));
    await Promise.all(fillers.map((socket) => once(socket, 'connect')));
    return new BlackHole(port, worker, fillers);
  }

  async close(): Promise<void> {
    for (const socket of this.#fillers) socket.destroy();
    await this.#worker.terminate();
  }
}
