import path from 'node:path';
import { QueriedUsers } from '../authentication/queried-users.ts';
import type { SecretSource } from '../authentication/secret.ts';
import { UsersFile } from '../authentication/users-file.ts';
import type { ServerConfig } from '../config/schema.ts';
import { GatewayDError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { messages } from '../protocol/messages.ts';
import type { BackendPool } from './backend-pool.ts';
import type { Database } from './database.ts';
import { networkErrors } from './errors.ts';
import type { Gatekeeper } from './gatekeeper.ts';

/** How long a database may take over an authQuery, in milliseconds. */
const queryTimeout = 10_000;

/** What a server's gatekeeper is made from. */
export interface GatekeeperPlan {
  /** The group in `servers`. */
  readonly server: string;
  readonly auth: ServerConfig['auth'];
  readonly databases: readonly Database[];
  /** What files are relative to. */
  readonly directory: string;
  readonly logger: Logger;
}

/**
 * Who lets the clients of a server in; null where the database does.
 * @throws {GatewayDError} AUTHENTICATION_USERS_FILE
 */
export function buildGatekeeper(plan: GatekeeperPlan): Gatekeeper | null {
  const { method } = plan.auth;
  if (method === 'relay') return null;
  return { method, users: method === 'trust' ? null : usersOf(plan) };
}

function usersOf({ server, auth, databases, directory, logger }: GatekeeperPlan): SecretSource {
  if (auth.usersFile !== '') {
    const onProblem = ({ code, message }: GatewayDError): void =>
      logger.error({ server, code }, `${message}; the users read before stay`);
    return new UsersFile(path.resolve(directory, auth.usersFile), onProblem);
  }
  const pools = databases.flatMap(({ backends }) => (backends === null ? [] : [backends.home]));
  const ask = (user: string, signal: AbortSignal): Promise<string | null> =>
    askForSecret(server, auth.authQuery, { pools, user, signal });
  return new QueriedUsers(ask, ({ code, message, mend }) => logger.error({ server, code, mend }, message));
}

interface Question {
  readonly pools: readonly BackendPool[];
  readonly user: string;
  readonly signal: AbortSignal;
}

/** Asks the first database that answers; null for a user it does not know. */
async function askForSecret(server: string, query: string, { pools, user, signal }: Question): Promise<string | null> {
  for (const [index, pool] of pools.entries()) {
    const isLast = index === pools.length - 1;
    try {
      return await askOne(server, query, { pool, user, signal, patient: isLast });
    } catch (error) {
      if (isLast || signal.aborted) throw error;
    }
  }
  return null;
}

async function askOne(
  server: string,
  query: string,
  { pool, user, signal, patient }: { pool: BackendPool; user: string; signal: AbortSignal; patient: boolean },
): Promise<string | null> {
  const backend = await pool.acquire(signal, patient);
  try {
    const sent = [
      messages.parse({ sql: query }),
      messages.bind({ parameters: [user] }),
      messages.execute(),
      messages.sync(),
    ];
    const bytes = Buffer.concat(sent.map((message) => message.bytes));
    const { rows, error } = await backend.ask(bytes, 1, queryTimeout);
    if (error !== null) {
      const cause = new Error(`${error.sqlstate} ${error.message}`);
      throw new GatewayDError(networkErrors.NETWORK_AUTH_QUERY, { server }, { cause });
    }
    return rows[0]?.at(-1)?.toString() ?? null;
  } finally {
    void pool.release(backend, 'idle');
  }
}
