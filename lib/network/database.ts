import type { Socket } from 'node:net';
import type { ClientConfig, PoolConfig } from '../config/schema.ts';
import type { Address, Session } from '../hooks/payloads.ts';
import { type BackendSettings, connectBackend } from './backend.ts';
import type { BackendTls } from './backend-tls.ts';
import type { BackendCondition } from './backend-pool.ts';
import type { BackendPools } from './backend-pools.ts';
import type { Endpoint } from './endpoint.ts';
import type { Health } from './health.ts';
import type { Interruption } from './interruption.ts';
import { lingeringEnd } from './lingering-end.ts';
import type { LoggedInBackend } from './logged-in-backend.ts';
import type { Places } from './places.ts';
import type { Pool } from './pool.ts';
import type { StallLimits } from './stall-watch.ts';
import { applySettings, startupSettings } from './startup-settings.ts';
import { terminate } from './terminate.ts';

/** How long a database may take to close a connection that was ended. */
const closeTimeout = 2000;

/** A connection to a database, for one session's life. */
export interface Connection {
  readonly socket: Socket;
  /** Where it really is: of a name with several addresses, the one that answered. */
  readonly endpoint: Endpoint;
  /** Whose it is: a block of `clients`, and its limits of time. */
  readonly database: string;
  readonly limits: StallLimits | null;
  /** Where gatewayd has logged in ahead; null where the client is to log in. */
  readonly backend: LoggedInBackend | null;
  /**
   * One that gatewayd has logged in on goes back to its pool. Any other ends, and gives its place in the pool to the
   * next when the database has closed it, so that the database does not have more connections than the pool has
   * places; one that takes its time over that, being in the middle of a query that nobody waits for any more, is cut
   * off. Settles then.
   */
  release(condition: BackendCondition): Promise<void>;
}

/** One database a server's sessions can go to: a block of `clients` and the pool of the same name. */
export interface Database {
  /** `group.block` */
  readonly name: string;
  /** What it was made from. */
  readonly config: { readonly client: ClientConfig; readonly pool: PoolConfig; readonly checkPeriod: string };
  /** As the config has it. */
  readonly address: string;
  readonly endpoint: Endpoint;
  /** How connections to it are encrypted, at whatever address; null where they are not. */
  readonly tls: BackendTls | null;
  readonly settings: BackendSettings;
  /** What its pool, and those whose place it took, have of connections. */
  readonly places: Places;
  readonly pool: Pool;
  readonly health: Health;
  /** Limits of a session's connection; null where there are none. */
  readonly limits: StallLimits | null;
  /** Where gatewayd logs in ahead; null where each client does. */
  readonly backends: BackendPools | null;
}

/** Who needs a connection. */
export interface ConnectionRequest {
  readonly session: Session;
  /** False where another database is tried when this one is not there. */
  readonly patient: boolean;
  /** For when nobody waits any more. */
  readonly interruption: Interruption;
}

/**
 * Waits for its turn, then takes a backend that is logged in and gives it the settings that the client asks for; or,
 * where clients log in themselves, connects.
 * @throws {GatewayDError} NETWORK_SETTING_REFUSED, NETWORK_REPLICATION, and what the other two throw
 */
export function openConnection(database: Database, request: ConnectionRequest): Promise<Connection> {
  const { backends } = database;
  return backends === null ? connect(database, request) : borrow(database, backends, request);
}

/** @throws what the pool of backends does, and `applySettings` */
async function borrow(database: Database, backends: BackendPools, request: ConnectionRequest): Promise<Connection> {
  const { session, patient, interruption } = request;
  const settings = startupSettings(session.parameters);
  const pool = backends.at(database.endpoint);
  interruption.throwIfInterrupted();
  const backend = pool.take() ?? (await pool.acquire(interruption.signal, patient));
  try {
    await applySettings(backend, settings);
  } catch (error) {
    void pool.release(backend, 'idle');
    throw error;
  }
  const { socket, endpoint } = backend;
  const release = (condition: BackendCondition): Promise<void> => {
    // What is still to come of something in flight is nobody's.
    if (condition !== 'busy') backend.takeBack();
    return pool.release(backend, condition);
  };
  return { socket, endpoint, database: database.name, limits: database.limits, backend, release };
}

/**
 * Waits for a place in the pool, then connects.
 * @throws {GatewayDError} NETWORK_POOL_QUEUE_FULL, NETWORK_POOL_TIMEOUT, NETWORK_DATABASE_UNREACHABLE; the
 * interruption's reason
 */
async function connect(database: Database, { patient, interruption }: ConnectionRequest): Promise<Connection> {
  const { signal } = interruption;
  const slot = await database.pool.acquire(signal);
  try {
    const settings = patient ? database.settings : { ...database.settings, retries: 0 };
    const socket = await connectBackend(database.endpoint, settings, signal);
    const endpoint = endpointOf(socket, database.endpoint);
    return {
      socket,
      endpoint,
      database: database.name,
      limits: database.limits,
      backend: null,
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

/** Where a socket that was connected to an endpoint really is. */
export function endpointOf(socket: Socket, wanted: Endpoint): Endpoint {
  const { remoteAddress: host, remotePort: port } = socket;
  if (wanted.kind === 'unix' || host === undefined || port === undefined) return wanted;
  return { ...wanted, host, port };
}

/** Says goodbye to a database; settles when it has closed the connection, which is cut where that takes too long. */
export async function endConnection(socket: Socket): Promise<void> {
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
