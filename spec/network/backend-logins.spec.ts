import { expect } from 'chai';
import { Client } from 'pg';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { caught } from '../support/caught.ts';
import { certificateFile } from '../support/certificates.ts';
import { startPooledGateway } from '../support/pooled-gateway.ts';
import { startTlsPostgres } from '../support/tls-postgres.ts';
import type { SpecGateway } from '../support/gateway.ts';

/** Users by what the database asks them for; each has a password that SASLprep changes. */
const methods = ['trust', 'password', 'md5', 'scram-sha-256'] as const;
const password = 'pa\u00AAss\u00A0word';

describe('a login of gatewayd at a database', () => {
  let database: EmbeddedPostgres;

  before(async () => {
    database = await startTlsPostgres();
    const { host, port, user } = database;
    const client = new Client({ host, port, user, database: 'postgres' });
    await client.connect();
    for (const method of methods) {
      await client.query(`set password_encryption = '${method === 'md5' ? 'md5' : 'scram-sha-256'}'`);
      await client.query(`create role "${method}" login password '${password}'`);
    }
    const { rows } = await client.query<{ hba_file: string }>('show hba_file');
    const rules = ['host all postgres all trust', ...methods.map((method) => `host all "${method}" all ${method}`)];
    const lines = rules.map((rule) => `'${rule}'`).join();
    await client.query(
      `copy (select unnest(array[${lines}])) to '${rows[0]?.hba_file ?? ''}' (quote e'\\x01', format csv)`,
    );
    await client.query('select pg_reload_conf()');
    await client.end();
  });
  after(() => database.stop());

  const start = (user: string, secret = password, client = {}): Promise<SpecGateway> =>
    startPooledGateway({
      database: { network: 'tcp', address: database.address },
      startupParams: { user, database: 'postgres', password: secret },
      pool: { size: 2, acquireTimeout: '5s' },
      client,
    });

  async function whoAmI(gateway: SpecGateway): Promise<unknown> {
    const client = gateway.client();
    await client.connect();
    const { rows } = await client.query(
      'select current_user as name, ssl from pg_stat_ssl where pid = pg_backend_pid()',
    );
    await client.end();
    return rows[0];
  }

  for (const method of methods) {
    it(`works by ${method}`, async () => {
      await using gateway = await start(method);
      expect(await whoAmI(gateway)).to.deep.equal({ name: method, ssl: false });
    });
  }

  it('works by SCRAM over TLS, bound to the certificate', async () => {
    await using gateway = await start('scram-sha-256', password, {
      tls: { mode: 'verify-full', caFile: certificateFile('authority.pem') },
    });
    expect(await whoAmI(gateway)).to.deep.equal({ name: 'scram-sha-256', ssl: true });
  });

  for (const method of methods.slice(1)) {
    it(`with a wrong password is refused by ${method}: the client is told 08004 at once, the log says why`, async () => {
      await using gateway = await start(method, 'wrong');
      const error = await caught(gateway.client().connect());
      expect(error).to.include({ code: '08004', severity: 'FATAL' });
      expect(error.message).to.contain('default.writes').and.not.contain('password');
      expect(JSON.stringify(gateway.log)).to.contain('28P01');
    });
  }

  it('without a password where one is asked for says so', async () => {
    await using gateway = await start('scram-sha-256', '');
    expect(await caught(gateway.client().connect())).to.include({ code: '08004' });
    expect(JSON.stringify(gateway.log)).to.contain('AUTHENTICATION_NO_PASSWORD');
  });

  it('to a database there is not says so', async () => {
    await using gateway = await startPooledGateway({
      database: { network: 'tcp', address: database.address },
      startupParams: { user: 'postgres', database: 'nowhere' },
    });
    const client = gateway.client({ database: 'nowhere' });
    expect(await caught(client.connect())).to.include({ code: '08004' });
    expect(JSON.stringify(gateway.log)).to.contain('3D000');
  });
});
