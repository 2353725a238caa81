import { randomUUID } from 'node:crypto';
import { milliseconds } from '../config/durations.ts';
import type { ClientConfig, PoolConfig } from '../config/schema.ts';
import { GatewayDError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { messages } from '../protocol/messages.ts';
import { backendSettings, backoffOf, type BackendSettings, connectBackend, jittered } from './backend.ts';
import { BackendPool } from './backend-pool.ts';
import { BackendPools } from './backend-pools.ts';
import { sendCancel } from './cancel-registry.ts';
import { endConnection, endpointOf } from './database.ts';
import type { Endpoint } from './endpoint.ts';
import { networkErrors } from './errors.ts';
import { type BackendLogin, isPassing, logIn } from './log-in.ts';
import type { LoggedInBackend } from './logged-in-backend.ts';
import type { Places } from './places.ts';

/** How long a database may take to reset a backend, and to answer a check, in milliseconds. */
const resetTimeout = 30_000;
const checkTimeout = 10_000;
/** The longest pause between two tries. */
const longestPause = 5000;
/** While clients wait: one try at a time is nothing to a database. */
const longestPauseOfClients = 500;

/** What the pools of a block of `clients` are made from. */
export interface BackendPoolsPlan {
  /** `group.block` */
  readonly name: string;
  readonly client: ClientConfig;
  readonly pool: PoolConfig;
  readonly endpoint: Endpoint;
  /** Milliseconds. */
  readonly checkPeriod: number;
  readonly logger: Logger;
  /** For the address of the block; others that plugins choose have their own. */
  readonly places: Places;
}

/** The database that gatewayd logs in to: PostgreSQL takes the user's name where none is given. */
export function loginDatabase({ user, database }: { readonly user: string; readonly database: string }): string {
  return database === '' ? user : database;
}

/** The pools of a block; null where its clients log in themselves. */
export function buildBackendPools(plan: BackendPoolsPlan): BackendPools | null {
  const { name, client, pool, checkPeriod, logger, places } = plan;
  const { startupParams } = client;
  if (startupParams === undefined) return null;
  const login = { name, ...startupParams, database: loginDatabase(startupParams) };
  const settings = backendSettings(name, client);
  const { size, minSize, queueSize, resetQuery, healthCheckQuery } = pool;
  const resets = resetQuery === '' ? [] : [messages.query(resetQuery).bytes];
  const make = (endpoint: Endpoint, isHome: boolean): BackendPool =>
    new BackendPool({
      name,
      size,
      minSize: isHome ? minSize : 0,
      queueSize,
      acquireTimeout: milliseconds(pool.acquireTimeout),
      maxAge: milliseconds(pool.maxAge),
      maxIdle: milliseconds(pool.maxIdle),
      checkPeriod,
      logger,
      ...(isHome ? { places } : {}),
      open: (signal) => open(endpoint, settings, login, signal),
      reset: (backend, condition) => reset(backend, name, resets, condition === 'in transaction'),
      check: (backend) => check(backend, name, healthCheckQuery),
      end,
      backoff: (failures, clientsWait) => pauseOf(settings, failures, clientsWait),
      isPassing,
    });
  return new BackendPools(plan.endpoint, make);
}

async function open(
  endpoint: Endpoint,
  settings: BackendSettings,
  login: BackendLogin,
  signal: AbortSignal,
): Promise<LoggedInBackend> {
  const socket = await connectBackend(endpoint, { ...settings, retries: 0 }, signal);
  return logIn(socket, endpointOf(socket, endpoint), login, { timeout: settings.dialTimeout, signal });
}

const sync = messages.sync().bytes;
const rollback = messages.query('ROLLBACK').bytes;

/** @param resets the messages that make a backend as new, each of which is answered with a ReadyForQuery */
async function reset(
  backend: LoggedInBackend,
  pool: string,
  resets: readonly Buffer[],
  inTransaction: boolean,
): Promise<void> {
  // What the client left in flight, unknown to us, would be answered first, and our own answers go to the next client:
  // the last of them says something that nobody could know.
  const word = randomUUID();
  const ask = messages.query(`SELECT '${word}'`).bytes;
  // The Sync ends an extended query that has none.
  const bytes = inTransaction ? [sync, rollback, ...resets, ask] : [sync, ...resets, ask];
  const { rows, error, status } = await backend.ask(Buffer.concat(bytes), bytes.length, resetTimeout);
  const inStep = rows.at(-1)?.[0]?.toString() === word;
  if (inStep && error === null && status === 'I') return;
  const fault = status === 'I' ? 'it was in the middle of something' : 'a transaction is open';
  const { sqlstate = status === 'I' ? '08P01' : '25001', message: reason = fault } = error ?? {};
  throw new GatewayDError(networkErrors.NETWORK_NOT_RESET, { pool, sqlstate, reason });
}

async function check(backend: LoggedInBackend, pool: string, query: string): Promise<void> {
  const { error } = await backend.ask(messages.query(query).bytes, 1, checkTimeout);
  if (error === null) return;
  const { sqlstate, message: reason } = error;
  throw new GatewayDError(networkErrors.NETWORK_CHECK_FAILED, { pool, sqlstate, reason });
}

/** A backend in the middle of something is told to leave off, so that the database is rid of it at once. */
async function end(backend: LoggedInBackend, busy: boolean): Promise<void> {
  const { socket, endpoint, key } = backend;
  if (busy && key !== null && !socket.destroyed) await sendCancel(endpoint, key);
  await endConnection(socket);
}

/** How long the next try waits after so many failures, in milliseconds. */
export function pauseOf(settings: BackendSettings, failures: number, clientsWait: boolean): number {
  const pause = Math.max(1, backoffOf(settings, failures));
  const longest = settings.disableBackoffCaps ? Infinity : clientsWait ? longestPauseOfClients : longestPause;
  return jittered(Math.min(pause, longest));
}
