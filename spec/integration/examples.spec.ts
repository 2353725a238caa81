import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Client } from 'pg';
import postgres from 'postgres';
import { GatewayDProcess } from '../support/gatewayd-process.ts';

const examples = fileURLToPath(new URL('../../docs/examples', import.meta.url));

describe('the example plugins, in a gatewayd of their own before an embedded PostgreSQL', function () {
  this.timeout(60_000);
  let folder: string;
  let gateway: GatewayDProcess;

  const connect = async (user = 'postgres'): Promise<Client> => {
    const client = new Client({ host: '127.0.0.1', port: gateway.port, user, database: 'postgres' });
    await client.connect();
    return client;
  };

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-examples-'));
    const config = path.join(folder, 'gatewayd.yaml');
    writeFileSync(
      config,
      `clients: { default: { writes: { address: embedded } } }
servers: { default: { address: 127.0.0.1:0 } }
pluginHost: { directory: ${JSON.stringify(examples)} }
plugins:
  - name: front-desk
    config: { denied: [mallory] }
`,
    );
    gateway = await GatewayDProcess.start(['run', '-c', config, '--usage-report=false']);
  });

  after(async () => {
    await gateway?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('log each query with its user, by the simple and by the extended protocol', async () => {
    const client = await connect();
    await client.query('select 1 as simple');
    await client.query('select $1::int as extended', [2]);
    await client.end();
    for (const query of ['select 1 as simple', 'select $1::int as extended']) {
      const line = await gateway.line(({ msg, query: logged }) => msg === 'query' && String(logged).startsWith(query));
      expect(line).to.include({ plugin: 'query-log', user: 'postgres' });
    }
  });

  it('rewrite a query: the database sees who sent it', async () => {
    const client = await connect();
    const { rows } = await client.query<{ query: string }>(
      'select query from pg_stat_activity where pid = pg_backend_pid()',
    );
    await client.end();
    expect(rows[0]?.query).to.match(/ \/\* postgres \*\/$/);
  });

  it('answer a query themselves, for a driver that prepares it too', async () => {
    const client = await connect();
    expect((await client.query('show gatewayd_version')).rows).to.deep.equal([{ gatewayd_version: '1.0.0' }]);
    expect((await client.query('select 1 as after')).rows).to.deep.equal([{ after: 1 }]);
    await client.end();
    const sql = postgres({ host: '127.0.0.1', port: gateway.port, user: 'postgres', database: 'postgres', max: 1 });
    expect([...(await sql`show gatewayd_version`)]).to.deep.equal([{ gatewayd_version: '1.0.0' }]);
    expect([...(await sql`select ${3}::int as after`)]).to.deep.equal([{ after: 3 }]);
    await sql.end();
  });

  it('change a value in the rows of a result', async () => {
    const client = await connect();
    const { rows } = await client.query("select 'someone@example.com' as email, null::text as other");
    await client.end();
    expect(rows).to.deep.equal([{ email: 's***@example.com', other: null }]);
  });

  it('refuse a client by user name, with an error the client can read', async () => {
    const refused = await connect('mallory').catch((error: unknown) => error);
    expect(refused).to.include({ code: '28000', severity: 'FATAL', detail: 'Ask the front desk.' });
  });
});
