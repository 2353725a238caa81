import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { startPostgres } from './postgres.ts';

let started: Promise<EmbeddedPostgres> | undefined;

/**
 * One PostgreSQL on a Unix socket for all specs that leave it as they found it; it takes a second to start. It is
 * stopped after the last spec of the run.
 */
export function sharedPostgres(): Promise<EmbeddedPostgres> {
  started ??= startPostgres({ network: 'unix' });
  return started;
}

after(async () => (await started)?.stop());
