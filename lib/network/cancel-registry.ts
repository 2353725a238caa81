import { randomBytes, randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import { encodeStartupPacket } from '../protocol/startup.ts';
import { dial } from './backend.ts';
import type { Endpoint } from './endpoint.ts';

/** How long a database may take over a CancelRequest before it is given up. */
const cancelTimeout = 10_000;

/** How many CancelRequests to one backend are on their way at most; what one more asks for, they do. */
const mostUnderWay = 10;

/** What a key cancels. */
interface Cancellable {
  readonly endpoint: Endpoint;
  /** The key that the database knows. */
  readonly key: Buffer;
  /** CancelRequests on their way. */
  readonly underWay: Set<Promise<void>>;
}

/**
 * Which backend a cancel key belongs to. Where a client logs in at the database itself its key is the one the database
 * gave out, seen in passing; what a key looks like is the database's affair (four bytes before protocol 3.2, up to 256
 * since). Where a backend serves one client after the other each has a key of its own, which dies with its session.
 */
export class CancelRegistry {
  /** By the body of BackendKeyData, process id and secret, one character a byte. */
  readonly #backends = new Map<string, Cancellable>();

  /** How many backends can be cancelled now. */
  get size(): number {
    return this.#backends.size;
  }

  /**
   * Notes a backend's key.
   * @param key the body of the client's BackendKeyData, which its CancelRequest repeats
   * @param backendKey the body of the database's, where that is another
   * @returns forgets the key; to be called when the session is over. Settles when no cancel of this session can reach
   * the backend any more
   */
  add(key: Buffer, endpoint: Endpoint, backendKey: Buffer = Buffer.from(key)): () => Promise<void> {
    const name = key.toString('latin1');
    const backend: Cancellable = { endpoint, key: backendKey, underWay: new Set() };
    this.#backends.set(name, backend);
    return async () => {
      if (this.#backends.get(name) === backend) this.#backends.delete(name);
      await Promise.all(backend.underWay);
    };
  }

  /** Makes up a key for a client whose backend is not its own: the backend's process, and a secret of so many bytes. */
  makeKey(backendKey: Buffer, secretLength: number): Buffer {
    for (;;) {
      const key = Buffer.concat([backendKey.subarray(0, 4), secretOf(secretLength)]);
      if (!this.#backends.has(key.toString('latin1'))) return key;
    }
  }

  /**
   * Sends a CancelRequest on to the backend its key belongs to, outside any pool, and settles when the database has
   * closed that connection. An unknown key is none of anybody's business: nothing happens. Never rejects.
   * @param packet the whole CancelRequest
   */
  cancel(packet: Buffer): Promise<void> {
    const backend = this.#backends.get(packet.toString('latin1', 8));
    if (backend === undefined || backend.underWay.size >= mostUnderWay) return Promise.resolve();
    const over = sendCancel(backend.endpoint, backend.key).finally(() => backend.underWay.delete(over));
    backend.underWay.add(over);
    return over;
  }
}

function secretOf(length: number): Buffer {
  if (length !== 4) return randomBytes(length);
  // As random, and of a store that Node.js fills now and then: for so few bytes to ask each time takes 50 times as long.
  const secret = Buffer.allocUnsafe(4);
  secret.writeUInt32BE(randomInt(2 ** 32));
  return secret;
}

/**
 * Asks a database to cancel what the backend with a key is at, encrypted as connections to it are. Settles when it has
 * closed that connection, or was given up; never rejects.
 * @param timeout milliseconds for all of it
 */
export async function sendCancel(endpoint: Endpoint, key: Buffer, timeout: number = cancelTimeout): Promise<void> {
  const processId = key.readInt32BE(0);
  const packet = encodeStartupPacket({ name: 'CancelRequest', processId, secretKey: key.subarray(4) });
  const limit = AbortSignal.timeout(timeout);
  try {
    const socket = await dial(endpoint, { dialTimeout: 0, keepAlive: null }, limit);
    await closedAfter(socket, packet, limit);
  } catch {
    // A database that cannot be reached has nothing to cancel; PostgreSQL promises no answer to a cancel either.
  }
}

function closedAfter(socket: Socket, packet: Buffer, limit: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // Not of silence: a database that goes on sending must not hold it up.
    const cut = (): void => void socket.destroy();
    limit.addEventListener('abort', cut);
    if (limit.aborted) cut();
    socket.on('end', cut).on('close', () => {
      limit.removeEventListener('abort', cut);
      resolve();
    });
    socket.resume();
    socket.write(packet);
  });
}
