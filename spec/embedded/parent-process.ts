// Starts an embedded PostgreSQL, says where, and ends as its first argument says; the specs look at what is left.
import { startEmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { silentLogger } from '../../lib/logger.ts';

const [end, directory = null] = process.argv.slice(2);
const { host, pid, network, address } = await startEmbeddedPostgres({ logger: silentLogger(), directory });
process.stdout.write(`${JSON.stringify({ host, pid, network, address })}\n`);
if (end === 'exit') process.exit(0);
if (end === 'throw') throw new Error('a crash');
if (end === 'wait') setInterval(() => {}, 60_000);
