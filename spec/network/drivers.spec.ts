import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect } from 'chai';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { postgresPassword, startPostgres } from '../support/postgres.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';

describe('drivers through the gateway', () => {
  let gateway: SpecGateway;

  before(async () => {
    gateway = await startGateway({ database: await sharedPostgres() });
  });
  after(() => gateway[Symbol.asyncDispose]());

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

  it('pg sees an error with its SQLSTATE, and goes on', async () => {
    const client = gateway.client();
    await client.connect();
    const error: unknown = await client.query('select 1/0').catch((reason: unknown) => reason);
    expect(error).to.include({ code: '22012', severity: 'ERROR' });
    expect((await client.query('select 1 as one')).rows).to.deep.equal([{ one: 1 }]);
    await client.end();
  });

  it('postgres pipelines a hundred queries on one connection, each with its own answer', async () => {
    const sql = gateway.sql();
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => sql`select ${n}::int as n`));
    expect(answers.map(([row]) => row!['n'] as number)).to.deep.equal(Array.from({ length: 100 }, (_, n) => n));
    await sql.end();
  });

  it('keeps sessions apart: each has its own prepared statements, settings and transactions', async () => {
    const sql = gateway.sql({ max: 5 });
    const names = ['a', 'b', 'c', 'd', 'e'];
    const seen = await Promise.all(
      names.map((name) =>
        sql.begin(async (one) => {
          await one`select set_config('spec.name', ${name}, true)`;
          await one`select pg_sleep(0.05)`;
          const [row] = await one`select current_setting('spec.name') as name, pg_backend_pid() as pid`;
          return row as { name: string; pid: number };
        }),
      ),
    );
    expect(seen.map(({ name }) => name)).to.deep.equal(names);
    expect(new Set(seen.map(({ pid }) => pid)).size).to.equal(5);
    await sql.end();
  });

  it('copies in and out, 20,000 lines each way', async () => {
    const sql = gateway.sql();
    await sql`create temporary table copied (n int, text text)`;
    const lines = Array.from({ length: 20_000 }, (_, n) => `${n}\t${'x'.repeat(n % 300)}\n`);
    await pipeline(Readable.from(lines), await sql`copy copied from stdin`.writable());
    const out: Buffer[] = [];
    for await (const chunk of await sql`copy (select * from copied order by n) to stdout`.readable()) {
      out.push(chunk as Buffer);
    }
    expect(Buffer.concat(out).equals(Buffer.from(lines.join('')))).to.equal(true);
    await sql.end();
  });

  it('passes notifications on when they come', async () => {
    const sql = gateway.sql({ max: 2 });
    const heard = new Promise<string>((resolve) => {
      void sql.listen('spec_channel', resolve, () => void sql.notify('spec_channel', 'hello'));
    });
    expect(await heard).to.equal('hello');
    await sql.end();
  });

  it('carries a value of 20 MB and a result of 100,000 rows unchanged', async () => {
    const sql = gateway.sql();
    const [value] = await sql`select repeat('y', 20000000) as big`;
    expect((value as { big: string }).big).to.equal('y'.repeat(20_000_000));
    const rows = await sql`select n from generate_series(1, 100000) as n`;
    expect(rows.reduce((sum, row) => sum + (row['n'] as number), 0)).to.equal(5_000_050_000);
    await sql.end();
  });

  it('leaves authentication to the database', async () => {
    const database = await startPostgres({ network: 'unix', authentication: 'scram-sha-256' });
    const own = await startGateway({ database });
    const client = own.client({ password: postgresPassword });
    await client.connect();
    expect((await client.query('select current_user')).rows).to.deep.equal([{ current_user: 'postgres' }]);
    await client.end();
    const wrong: unknown = await own
      .client({ password: 'wrong' })
      .connect()
      .catch((error: unknown) => error);
    expect(wrong).to.include({ code: '28P01', severity: 'FATAL' });
    expect(JSON.stringify(own.log)).to.not.contain('NETWORK_');
    await own[Symbol.asyncDispose]();
    await database.stop();
  });
});
