import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { formatScramVerifier, makeScramVerifier } from '../../lib/authentication/scram-verifier.ts';
import { type Effort, type Outcome, throughput } from './measurements.ts';
import { type Asking, gatewayd, type Peer, type PeerPlace, pgbouncer } from './peer.ts';
import { benchPassword } from './pgbench.ts';

const clients = 16;
const reconnecting = ['-n', '-S', '-C'];

/** Clients that come and go, with and without a password, and such that stay: what a pool of logged-in backends is for. */
const runs = [
  { title: `Connect, one query, disconnect; trust, ${clients} clients`, method: 'trust', args: reconnecting },
  { title: `The same; SCRAM-SHA-256, ${clients} clients`, method: 'scram-sha-256', args: reconnecting },
  { title: `pgbench -S, prepared, ${clients} clients`, method: 'trust', args: ['-n', '-S', '-M', 'prepared'] },
] as const;

/**
 * gatewayd beside PgBouncer, both with backends that are logged in ahead and reset by DISCARD ALL, and with the same
 * users; and the database itself, which asks nobody for a password.
 */
export function pooledRuns(place: PeerPlace, database: Peer, effort: Effort): (() => Promise<Outcome>)[] {
  return runs.map(({ title, method, args }) => async () => {
    const asking = { method, usersFile: await writeUsers(place.folder) } satisfies Asking;
    const poolers = [await pgbouncer(place, asking), await gatewayd(place, false, asking)];
    const peers = [...(method === 'trust' ? [database] : []), ...poolers];
    const outcome = await throughput(peers, effort, { title, args, clients });
    for (const pooler of poolers) await pooler.stop();
    return outcome;
  });
}

/** PgBouncer, which does not run as root, must be able to read it, and others must not. */
async function writeUsers(folder: string): Promise<string> {
  const file = path.join(folder, 'users.txt');
  writeFileSync(file, `"postgres" "${formatScramVerifier(await makeScramVerifier(benchPassword))}"\n`);
  chmodSync(file, 0o640);
  if (process.getuid?.() === 0) chownSync(file, 0, Number(execFileSync('id', ['-g', 'nobody'], { encoding: 'utf8' })));
  return file;
}
