import { connect } from 'node:net';
import type { Endpoint } from './endpoint.ts';
import { connectOptions } from './backend.ts';

/** How long a database may take over a CancelRequest before it is given up. */
const cancelTimeout = 10_000;

/**
 * Which backend a cancel key belongs to. Keys are those the databases gave out, seen in passing; what a key looks
 * like is the database's affair (four bytes before protocol 3.2, up to 256 since).
 */
export class CancelRegistry {
  /** By the body of BackendKeyData, process id and secret, one character a byte. */
  readonly #backends = new Map<string, Endpoint>();

  /** How many backends can be cancelled now. */
  get size(): number {
    return this.#backends.size;
  }

  /**
   * Notes a backend's key.
   * @param key the body of its BackendKeyData, which a CancelRequest repeats
   * @returns forgets the key; to be called when the backend's connection is over
   */
  add(key: Buffer, backend: Endpoint): () => void {
    const name = key.toString('latin1');
    this.#backends.set(name, backend);
    return () => {
      if (this.#backends.get(name) === backend) this.#backends.delete(name);
    };
  }

  /**
   * Sends a CancelRequest on to the backend its key belongs to, outside any pool, and settles when the database has
   * closed that connection. An unknown key is none of anybody's business: nothing happens. Never rejects.
   * @param packet the whole CancelRequest
   */
  cancel(packet: Buffer): Promise<void> {
    const backend = this.#backends.get(packet.toString('latin1', 8));
    if (backend === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const socket = connect({ ...connectOptions(backend), allowHalfOpen: false });
      // Not of silence: a database that goes on sending must not hold it up.
      const timer = setTimeout(() => socket.destroy(), cancelTimeout);
      // A database that cannot be reached has nothing to cancel; PostgreSQL promises no answer to a cancel either.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearTimeout(timer);
        resolve();
      });
      socket.resume();
      socket.write(packet);
    });
  }
}
