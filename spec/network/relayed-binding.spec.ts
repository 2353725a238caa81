import { expect } from 'chai';
import type { ClientConfig } from 'pg';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { certificate, certificateFile } from '../support/certificates.ts';
import { caught } from '../support/caught.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { postgresPassword } from '../support/postgres.ts';
import { startTlsPostgres } from '../support/tls-postgres.ts';

describe('a SCRAM login that is relayed with TLS on both sides', () => {
  let database: EmbeddedPostgres;

  before(async () => {
    database = await startTlsPostgres({ rules: ['hostssl all all all scram-sha-256'], certificate: 'renewed' });
  });
  after(() => database.stop());

  const start = (shown: string): Promise<SpecGateway> =>
    startGateway({
      database,
      client: { tls: { mode: 'require' } },
      server: { enableTLS: true, certFile: certificateFile(`${shown}.pem`), keyFile: certificateFile(`${shown}.key`) },
    });
  const login = (enableChannelBinding: boolean): ClientConfig => ({
    password: postgresPassword,
    ssl: { ca: certificate('authority.pem') },
    enableChannelBinding,
  });

  it('goes through where the client does not bind it to its channel', async () => {
    await using gateway = await start('server');
    const client = gateway.client(login(false));
    await client.connect();
    await client.end();
  });

  it('is refused with the ways out where it does, in one line of the log', async () => {
    await using gateway = await start('server');
    const error = await caught(gateway.client(login(true)).connect());
    expect(error).to.include({ code: '28000', severity: 'FATAL' });
    expect(error.message).to.contain('channel_binding=disable').and.contain('certificate of the database');
    expect(gateway.log.filter(({ level }) => level > 30).map(({ code }) => code)).to.deep.equal([
      'NETWORK_CHANNEL_BINDING',
    ]);
  });

  it('goes through bound where gatewayd shows the certificate of the database', async () => {
    await using gateway = await start('renewed');
    const client = gateway.client(login(true));
    await client.connect();
    const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    expect(rows).to.deep.equal([{ ssl: true }]);
    await client.end();
  });
});
