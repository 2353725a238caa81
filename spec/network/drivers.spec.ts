import { expect } from 'chai';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { startPostgres } from '../support/postgres.ts';

describe('drivers through the gateway', () => {
  let database: EmbeddedPostgres;
  let gateway: SpecGateway;

  before(async () => {
    database = await startPostgres({ network: 'unix' });
    gateway = await startGateway({ database });
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await database.stop();
  });

  it('pg runs simple, extended and prepared queries', async () => {
    const client = gateway.client();
    await client.connect();
    expect((await client.query('select 1 as one; select 2 as two')) as unknown).to.have.length(2);
    expect((await client.query('select $1::int + 1 as sum', [41])).rows).to.deep.equal([{ sum: 42 }]);
    const prepared = { name: 'doubled', text: 'select $1::int * 2 as doubled' };
    for (const value of [1, 2, 3]) {
      const { rows } = await client.query({ ...prepared, values: [value] });
      expect(rows).to.deep.equal([{ doubled: value * 2 }]);
    }
    await client.end();
  });
});
