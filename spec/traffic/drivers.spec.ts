import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { Client, type QueryConfig } from 'pg';
import postgres from 'postgres';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { createView } from '../../lib/hooks/view.ts';
import { RecordingOwner } from '../support/recording-owner.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { TappedRelay, type TappedRelayOptions } from '../support/tapped-relay.ts';

const account = { host: '127.0.0.1', user: 'postgres', database: 'postgres' };

for (const [what, options] of [
  ['as it comes', {}],
  ['in pieces of 11 bytes', { pieces: 11 }],
] as readonly (readonly [string, TappedRelayOptions])[]) {
  describe(`a driver's traffic through taps, ${what}`, () => {
    let database: EmbeddedPostgres;
    let relay: TappedRelay;
    let port: number;
    let owner: RecordingOwner;

    before(async () => (database = await sharedPostgres()));

    beforeEach(async () => {
      const bus = createHooks();
      owner = new RecordingOwner('spec');
      const hooks = createView(bus, owner);
      hooks.trafficFromClient.tap('change', (batch) => {
        if (batch.query === null) return undefined;
        if (batch.query.includes('secret')) return batch.refuse('42501', 'no secrets');
        if (batch.query.includes('local'))
          return batch.reply({
            columns: ['a', 'b'],
            rows: [
              [1, null],
              ['x', true],
            ],
          });
        if (batch.query.includes('bomb')) return batch.terminate('57P01', 'bye');
        if (batch.query.includes('forty')) batch.replaceQuery(batch.query.replace('forty', '42'));
        return undefined;
      });
      hooks.trafficFromServer.tap('mask', (batch) =>
        batch.mapRows((row) => {
          if (row.columns.some(({ name }) => name === 'ssn')) row.set('ssn', '***');
          return row.columns[0]?.name === 'n' && row.columns[0].format === 'text' && row.text('n') === '13'
            ? null
            : row;
        }),
      );
      relay = new TappedRelay(database, bus, options);
      port = await relay.listen();
    });

    afterEach(() => {
      relay.close();
      for (const error of owner.errors) throw error;
    });

    const local = [
      { a: '1', b: null },
      { a: 'x', b: 'true' },
    ];

    it('goes on with pg: simple, extended and prepared queries, binary results, errors, transactions', async () => {
      const client = new Client({ ...account, port });
      await client.connect();
      const rows = async (query: string | QueryConfig, values?: unknown[]): Promise<unknown[]> =>
        (await client.query<Record<string, unknown>>(query, values)).rows;
      const failure = (query: string, values?: unknown[]): Promise<string> =>
        client.query(query, values).then(
          () => 'none',
          (error: { code: string }) => error.code,
        );
      expect(await rows(`select 1 as a, 'x' as ssn`)).to.deep.equal([{ a: 1, ssn: '***' }]);
      expect(await rows('select $1::int as a, $2::text as ssn', [1, 'x'])).to.deep.equal([{ a: 1, ssn: '***' }]);
      const prepared = { name: 's', text: 'select $1::int as a, $2::text as ssn', values: [1, 'x'] };
      for (let time = 0; time < 3; time++) expect(await rows(prepared)).to.deep.equal([{ a: 1, ssn: '***' }]);
      const binary = { text: `select $1::int as a, 'x'::text as ssn`, values: [7], binary: true };
      expect(await rows(binary)).to.deep.equal([{ a: 7, ssn: '***' }]);
      expect(await rows('select n from generate_series(11, 15) n')).to.deep.equal([11, 12, 14, 15].map((n) => ({ n })));

      expect(await rows('select local')).to.deep.equal(local);
      expect(await rows('select local, $1', [1])).to.deep.equal(local);
      for (let time = 0; time < 2; time++) {
        expect(await rows({ name: 'l', text: 'select local, $1', values: [1] })).to.deep.equal(local);
      }
      expect(await rows('select forty as a')).to.deep.equal([{ a: 42 }]);
      expect(await rows('select forty::int as a, $1::text as b', ['q'])).to.deep.equal([{ a: 42, b: 'q' }]);

      expect(await failure('select secret')).to.equal('42501');
      expect(await failure('select secret, $1', [1])).to.equal('42501');
      expect(await failure('select 1/0')).to.equal('22012');
      await client.query('begin');
      expect(await rows('select local')).to.deep.equal(local);
      expect(relay.conversations[0]?.transactionStatus).to.equal('T');
      expect(await failure('select 1/$1::int', [0])).to.equal('22012');
      expect(await rows('select local')).to.deep.equal(local);
      expect(relay.conversations[0]?.transactionStatus).to.equal('E');
      await client.query('rollback');
      expect(relay.conversations[0]?.idle).to.be.true;

      client.on('error', () => {});
      const ended = new Promise<void>((resolve) => void client.once('end', () => resolve()));
      expect(await failure('select bomb')).to.equal('57P01');
      await ended;
    });

    it('goes on with postgres: pipelined and prepared queries, cursors, COPY both ways, notifications', async () => {
      const sql = postgres({ ...account, port, max: 1, onnotice: () => {} });
      for (let time = 0; time < 3; time++) {
        expect([...(await sql`select ${1}::int as a, ${'x'}::text as ssn`)]).to.deep.equal([{ a: 1, ssn: '***' }]);
        expect([...(await sql`select local, ${1}, ${'s'}`)]).to.deep.equal(local);
      }
      const pipelined = await Promise.allSettled([
        sql`select ${1}::int as a`,
        sql`select 1 / ${0}::int`,
        sql`select ${'x'}::text as ssn`,
      ]);
      const told = pipelined.map((result) =>
        result.status === 'fulfilled' ? [...result.value] : (result.reason as { code: string }).code,
      );
      expect(told).to.deep.equal([[{ a: 1 }], '22012', [{ ssn: '***' }]]);
      const refused = await sql`select secret, ${1}`.catch((error: { code: string }) => error.code);
      expect(refused).to.equal('42501');

      const fetched: unknown[] = [];
      await sql`select n from generate_series(11, 15) n`.cursor(
        2,
        (rows) => void fetched.push(...rows.map((row) => row['n'] as number)),
      );
      expect(fetched).to.deep.equal([11, 12, 14, 15]);

      await sql`create temporary table copied (line text)`;
      const lines = Array.from({ length: 500 }, (_, n) => `line ${n}\n`);
      await pipeline(Readable.from(lines), await sql`copy copied from stdin`.writable());
      expect([...(await sql`select count(*)::int from copied`)]).to.deep.equal([{ count: 500 }]);
      let copied = '';
      for await (const chunk of await sql`copy copied to stdout`.readable()) copied += String(chunk);
      expect(copied).to.equal(lines.join(''));

      const heard = new Promise<string>((resolve, reject) => {
        const listener = postgres({ ...account, port, max: 1 });
        listener
          .listen('spec_traffic', (payload) => resolve(payload))
          .then(() => sql.notify('spec_traffic', 'hello'))
          .then(() => heard)
          .then(() => listener.end())
          .catch(reject);
      });
      expect(await heard).to.equal('hello');
      await sql.end();
    });

    it('goes on with a result of many rows, every one of them masked', async () => {
      const client = new Client({ ...account, port });
      await client.connect();
      const { rows } = await client.query<{ ssn: string; b: string }>(
        `select 'x' as ssn, repeat('b', n % 50) as b from generate_series(1, 3000) n`,
      );
      expect(rows).to.have.lengthOf(3000);
      expect(rows.every(({ ssn, b }, index) => ssn === '***' && b.length === (index + 1) % 50)).to.be.true;
      await client.end();
    });
  });
}
