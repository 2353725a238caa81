import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { certificateFile } from '../support/certificates.ts';
import { command } from '../support/command.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { cleanEnvironment } from '../support/gatewayd-process.ts';
import { postgresPassword } from '../support/postgres.ts';
import { startTlsPostgres } from '../support/tls-postgres.ts';

const ca = certificateFile('authority.pem');

describe('psql over TLS, before a database with TLS and SCRAM', () => {
  let database: EmbeddedPostgres;
  let folder: string;

  before(async () => {
    database = await startTlsPostgres({ rules: ['hostssl all all all scram-sha-256'], certificate: 'renewed' });
    folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-psql-'));
    copyFileSync(certificateFile('client.key'), path.join(folder, 'client.key'));
    chmodSync(path.join(folder, 'client.key'), 0o600);
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await database.stop();
  });

  const start = (shown: string, server: Readonly<Record<string, unknown>> = {}): Promise<SpecGateway> =>
    startGateway({
      database,
      client: { tls: { mode: 'verify-full', caFile: ca } },
      server: {
        enableTLS: true,
        requireTLS: true,
        certFile: certificateFile(`${shown}.pem`),
        keyFile: certificateFile(`${shown}.key`),
        ...server,
      },
    });
  const psql = ({ port }: SpecGateway, options: string): ReturnType<typeof command> => {
    const target = `host=127.0.0.1 port=${port} user=postgres dbname=postgres ${options}`;
    const environment = cleanEnvironment({ PGPASSWORD: postgresPassword });
    return command('psql', ['-X', '-At', '-c', 'select 40 + 2', target], { environment });
  };

  it('gets in with sslmode=verify-full and without channel binding', async () => {
    await using gateway = await start('server');
    const result = await psql(gateway, `sslmode=verify-full sslrootcert=${ca} channel_binding=disable`);
    expect(result.stdout.trim(), result.stderr).to.equal('42');
  });

  it('gets in without TLS, by TCP and by a Unix socket, where only the database has it', async () => {
    const own = { enableTLS: false, requireTLS: false };
    await using byTcp = await start('server', own);
    const plain = await psql(byTcp, 'sslmode=disable');
    expect(plain.stdout.trim(), plain.stderr).to.equal('42');
    const socket = path.join(folder, '.s.PGSQL.5432');
    await using byFile = await start('server', { ...own, network: 'unix', address: socket });
    const target = `host=${folder} port=5432 user=postgres dbname=postgres`;
    const environment = cleanEnvironment({ PGPASSWORD: postgresPassword });
    const local = await command('psql', ['-X', '-At', '-c', 'select 40 + 2', target], { environment });
    expect(local.stdout.trim(), `${local.stderr}${byFile.log.length}`).to.equal('42');
  });

  it('is told the ways out where it binds its login, which it does unless told otherwise', async () => {
    await using gateway = await start('server');
    for (const binding of ['', 'channel_binding=prefer', 'channel_binding=require']) {
      const { code, stderr } = await psql(gateway, `sslmode=require ${binding}`);
      expect(code).to.equal(2);
      expect(stderr).to.contain('FATAL:  the login is bound').and.contain('channel_binding=disable');
    }
  });

  it('gets in with channel_binding=require where gatewayd shows the certificate of the database', async () => {
    await using gateway = await start('renewed');
    const result = await psql(gateway, `sslmode=verify-full sslrootcert=${ca} channel_binding=require`);
    expect(result.stdout.trim(), result.stderr).to.equal('42');
  });

  it('is turned away without TLS, and shows its certificate where one is asked for', async () => {
    await using gateway = await start('server', { clientCaFile: ca });
    expect((await psql(gateway, 'sslmode=disable')).stderr).to.contain('takes encrypted connections only');
    const without = await psql(gateway, 'sslmode=require channel_binding=disable');
    expect(without.stderr).to.contain('the connection needs a client certificate');
    const own = `sslcert=${certificateFile('client.pem')} sslkey=${path.join(folder, 'client.key')}`;
    const result = await psql(gateway, `sslmode=require channel_binding=disable ${own}`);
    expect(result.stdout.trim(), result.stderr).to.equal('42');
  });
});
