import type { Socket } from 'node:net';
import type { ClientConfig, PoolConfig } from '../config/schema.ts';
import type { Address } from '../hooks/payloads.ts';
import { type BackendSettings, connectBackend } from './backend.ts';
import type { BackendTls } from './backend-tls.ts';
import type { Endpoint } from './endpoint.ts';
import type { Health } from './health.ts';
import { lingeringEnd } from './lingering-end.ts';
import type { Pool } from './pool.ts';

/** The message Terminate: what PostgreSQL wants to hear before a connection ends. */
const terminate = Buffer.from([0x58, 0, 0, 0, 4]);
/** How long a database may take to close a connection that was ended. */
const closeTimeout = 2000;

/** A connection to a database, for one session's life. */
export interface Connection {
  readonly socket: Socket;
  /** Where it really is: of a name with several addresses, the one that answered. */
  readonly endpoint: Endpoint;
  /**
   * Ends it, and gives its place in the pool to the next when the database has closed it, so that the database does
   * not have more connections than the pool has places; one that takes its time over that, being in the middle of a
   * query that nobody waits for any more, is cut off. Settles then.
   */
  release(): Promise<void>;
}

/** One database a server's sessions can go to: a block of `clients` and the pool of the same name. */
export interface Database {
  /** `group.block` */
  readonly name: string;
  /** What it was made from. */
  readonly config: { readonly client: ClientConfig; readonly pool: PoolConfig };
  /** As the config has it. */
  readonly address: string;
  readonly endpoint: Endpoint;
  /** How connections to it are encrypted, at whatever address; null where they are not. */
  readonly tls: BackendTls | null;
  readonly settings: BackendSettings;
  readonly pool: Pool;
  readonly health: Health;
}

/**
 * Waits for a place in the pool, then connects.
 * @throws {GatewayDError} NETWORK_POOL_QUEUE_FULL, NETWORK_POOL_TIMEOUT, NETWORK_DATABASE_UNREACHABLE; the signal's
 * reason when it is aborted
 */
export async function openConnection(database: Database, signal: AbortSignal): Promise<Connection> {
  const slot = await database.pool.acquire(signal);
  try {
    const socket = await connectBackend(database.endpoint, database.settings, signal);
    const endpoint = endpointOf(socket, database.endpoint);
    return {
      socket,
      endpoint,
      release: async () => {
        await endConnection(socket);
        slot.release();
      },
    };
  } catch (error) {
    slot.release();
    throw error;
  }
}

/** An endpoint as plugins see it. */
export function addressOf(endpoint: Endpoint): Address {
  if (endpoint.kind === 'unix') return { host: endpoint.path, port: 0 };
  return { host: endpoint.host, port: endpoint.port };
}

function endpointOf(socket: Socket, wanted: Endpoint): Endpoint {
  const { remoteAddress: host, remotePort: port } = socket;
  if (wanted.kind === 'unix' || host === undefined || port === undefined) return wanted;
  return { ...wanted, host, port };
}

async function endConnection(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
  });
  if (socket.writable) socket.write(terminate);
  lingeringEnd(socket, null);
  // A database in the middle of a query does not read the goodbye before it has ended it.
  const timer = setTimeout(() => socket.destroy(), closeTimeout);
  await closed;
  clearTimeout(timer);
}
