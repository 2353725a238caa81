import { GatewayDError } from '../errors.ts';
import { emitBail } from '../hooks/dispatch.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { Session } from '../hooks/payloads.ts';
import { loginDatabase } from './build-backend-pools.ts';
import { type Connection, type Database, openConnection } from './database.ts';
import { networkErrors } from './errors.ts';
import type { Interruption } from './interruption.ts';
import { rerouted } from './rerouted.ts';
import type { SessionContext } from './session-context.ts';

/** A session that needs a connection to a database. */
export interface Unplaced {
  readonly context: SessionContext;
  /** Of the generation the session is in. */
  readonly hooks: Hooks;
  readonly session: Session;
  /** Shows the waiting client a message. */
  readonly notice: (message: string) => void;
  /** For when nobody waits any more. */
  readonly interruption: Interruption;
}

/**
 * Finds a database for a session, by the taps of `route` or the load balancer, and connects to it; held up by both
 * and by the pool until it is interrupted.
 * @throws {GatewayDError} NETWORK_NO_DATABASE, NETWORK_ROUTE_UNKNOWN, NETWORK_POOL_QUEUE_FULL, NETWORK_POOL_TIMEOUT,
 * NETWORK_DATABASE_UNREACHABLE; the interruption's reason
 */
export async function placeSession(unplaced: Unplaced): Promise<Connection> {
  return connectFirst(await routeOf(unplaced), unplaced);
}

/** The databases that have what the client asks for, best first: what clients log in to themselves has anything. */
function serving({ client, database }: Session, context: SessionContext): readonly [Database, ...Database[]] {
  const { databases, server } = context;
  const [first, ...others] = databases.candidates(client).filter(({ config }) => {
    const { startupParams } = config.client;
    return startupParams === undefined || loginDatabase(startupParams) === database;
  });
  if (first === undefined) throw new GatewayDError(networkErrors.NETWORK_NO_DATABASE, { database, server });
  return [first, ...others];
}

async function routeOf({
  context,
  hooks,
  session,
  notice,
  interruption,
}: Unplaced): Promise<readonly [Database, ...Database[]]> {
  const databases = serving(session, context);
  if (!hooks.route.isUsed()) return databases;
  const candidates = databases.map(({ name, address }) => ({ name, address }));
  const { signal } = interruption;
  const chosen = await interruption.wait(emitBail(hooks.route, { session, candidates, notice, signal }));
  return chosen === undefined ? databases : [rerouted(context.server, databases, chosen)];
}

/** Failures that are the database's: another one of the group may do. */
const outOfReach = new Set(
  [
    networkErrors.NETWORK_DATABASE_UNREACHABLE,
    networkErrors.NETWORK_DATABASE_NOT_READY,
    networkErrors.NETWORK_DATABASE_FULL,
    networkErrors.NETWORK_DATABASE_LOGIN,
  ].map(({ code }) => code),
);

/** Tries one database after the other; only the last is worth waiting for. */
async function connectFirst(
  [database, next, ...rest]: readonly [Database, ...Database[]],
  unplaced: Unplaced,
): Promise<Connection> {
  const { databases } = unplaced.context;
  const { session, interruption } = unplaced;
  try {
    const connection = await openConnection(database, { session, patient: next === undefined, interruption });
    databases.reached(database);
    return connection;
  } catch (error) {
    const unreachable = error instanceof GatewayDError && outOfReach.has(error.code);
    if (unreachable) databases.failed(database);
    if (!unreachable || next === undefined) throw error;
    return connectFirst([next, ...rest], unplaced);
  }
}
