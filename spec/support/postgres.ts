import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { silentLogger } from '../../lib/logger.ts';

/** The password of `postgres` where the server asks for one. */
export const postgresPassword = 'a spec has no secrets';

export interface SpecPostgresOptions {
  /** `tcp` by default, so that sessions can be looked at and cut; `unix` is quicker by nothing that matters. */
  readonly network?: 'unix' | 'tcp';
  /** What the server asks clients for; `trust` by default, else `postgresPassword`. */
  readonly authentication?: 'trust' | 'scram-sha-256' | 'md5' | 'password';
  /** As in `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * A real PostgreSQL with a new data directory, in about a second: one for a spec file, `before(startPostgres)`,
 * and `await postgres.stop()` in `after`. It goes with the process whatever happens.
 */
export async function startPostgres(options: SpecPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const { network = 'tcp', authentication = 'trust', settings = {} } = options;
  const server = await startEmbeddedPostgres({ logger: silentLogger(), network, settings });
  if (authentication !== 'trust') await askForPassword(server, authentication);
  return server;
}

async function askForPassword(server: EmbeddedPostgres, method: string): Promise<void> {
  const client = new Client({ host: server.host, port: server.port, user: server.user, database: server.database });
  await client.connect();
  try {
    await client.query(`set password_encryption = '${method === 'md5' ? 'md5' : 'scram-sha-256'}'`);
    await client.query(`alter role postgres password '${postgresPassword}'`);
    const { rows } = await client.query<{ hba_file: string }>('show hba_file');
    const rules = ['local', 'host'].map((kind) => `${kind} all all ${kind === 'host' ? 'all ' : ''}${method}`);
    await client.query(`copy (select unnest(array['${rules.join("','")}'])) to '${rows[0]?.hba_file ?? ''}'`);
    await client.query('select pg_reload_conf()');
  } finally {
    await client.end();
  }
}
