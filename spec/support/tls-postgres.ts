import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { unprivilegedAccount, weAreRoot } from '../../lib/embedded/account.ts';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { certificateFile } from './certificates.ts';
import { postgresPassword, startPostgres } from './postgres.ts';

export interface TlsPostgresOptions {
  /** Which certificate of spec/fixtures/tls it shows; `server` by default. */
  readonly certificate?: string;
  /** Rules of pg_hba.conf for connections over TCP; those over a Unix socket there are none. Trust by default. */
  readonly rules?: readonly string[];
}

/** A PostgreSQL on TCP with TLS, and with the password of the specs; it takes certificates of the specs' authority. */
export async function startTlsPostgres(options: TlsPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-spec-tls-'));
  const account = weAreRoot() ? unprivilegedAccount() : null;
  const place = (from: string, to: string): string => {
    const file = path.join(folder, to);
    copyFileSync(certificateFile(from), file);
    chmodSync(file, 0o600);
    if (account !== null) chownSync(file, account.uid, account.gid);
    return file;
  };
  if (account !== null) chownSync(folder, account.uid, account.gid);
  const name = options.certificate ?? 'server';
  const settings = {
    ssl: 'on',
    ssl_cert_file: place(`${name}.pem`, 'server.pem'),
    ssl_key_file: place(`${name}.key`, 'server.key'),
    ssl_ca_file: place('authority.pem', 'authority.pem'),
  };
  try {
    const server = await startPostgres({ network: 'tcp', settings });
    await setRules(server, options.rules ?? ['host all all all trust']);
    return {
      ...server,
      stop: async () => {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function setRules(server: EmbeddedPostgres, rules: readonly string[]): Promise<void> {
  const client = new Client({ host: server.host, port: server.port, user: server.user, database: server.database });
  await client.connect();
  try {
    await client.query(`alter role postgres password '${postgresPassword}'`);
    const { rows } = await client.query<{ hba_file: string }>('show hba_file');
    await client.query(`copy (select unnest(array['${rules.join("','")}'])) to '${rows[0]?.hba_file ?? ''}'`);
    await client.query('select pg_reload_conf()');
  } finally {
    await client.end();
  }
}
