import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { createHooks, type Hooks } from '../../lib/hooks/hooks.ts';
import { caught } from '../support/caught.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { startPooledGateway } from '../support/pooled-gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { message, query, startup, WireClient, type WireMessage } from '../support/wire-client.ts';

/** Who holds a socket that long listens whether anybody is there, and a pool's client that left was given up. */
const longerThanNobodyListens = (): Promise<void> => delay(1300);

/** What the client gets, news of settings left out. */
const typesOf = (messages: readonly WireMessage[]): string =>
  messages
    .map(({ type }) => type)
    .filter((type) => type !== 'S')
    .join('');

describe('a session whose traffic plugins look at', () => {
  let hooks: Hooks;

  beforeEach(() => {
    hooks = createHooks();
  });

  const start = async (): Promise<SpecGateway> => startGateway({ database: await sharedPostgres(), hooks });

  it('shows every query, and nothing of the log-in', async () => {
    const queries: (string | null)[] = [];
    hooks.trafficFromClient.tap('log', (batch) => void queries.push(batch.query));
    await using gateway = await start();
    using client = await WireClient.connect(gateway.port);
    client.send(startup(), query('select 1'), message('X'));
    await client.rest();
    expect(queries.filter((one) => one !== null)).to.deep.equal(['select 1']);
  });

  it('lets a tap rewrite one, answer one, refuse one, and change a value in a row', async () => {
    hooks.trafficFromClient.tap('spec', (batch) => {
      if (batch.query === 'select 1 as one') batch.replaceQuery('select 11 as one');
      if (batch.query === 'select answered') return batch.reply({ columns: ['a'], rows: [['from the plugin']] });
      if (batch.query === 'drop everything') return batch.refuse('42501', 'not here');
      return undefined;
    });
    hooks.trafficFromServer.tap('spec', (batch) => {
      batch.mapRows((row) => {
        if (row.columns[0]?.name === 'secret') row.set(0, '***');
        return row;
      });
    });
    await using gateway = await start();
    const client = gateway.client();
    await client.connect();
    expect((await client.query('select 1 as one')).rows).to.deep.equal([{ one: 11 }]);
    expect((await client.query('select answered')).rows).to.deep.equal([{ a: 'from the plugin' }]);
    expect(await caught(client.query('drop everything'))).to.include({ code: '42501', severity: 'ERROR' });
    expect((await client.query("select 'x' as secret")).rows).to.deep.equal([{ secret: '***' }]);
    await client.end();
  });

  it('waits for an asynchronous tap and keeps the order, in both directions', async () => {
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    hooks.trafficFromClient.tapPromise('slow', () => turn());
    hooks.trafficFromServer.tapPromise('slow', () => turn());
    await using gateway = await start();
    const sql = gateway.sql({ max: 3 });
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => sql`select ${n}::int as n`));
    expect(answers.map(([row]) => row!['n'] as number)).to.deep.equal(Array.from({ length: 60 }, (_, n) => n));
    const [big] = await sql`select repeat('x', 3000000) as big`;
    expect((big as { big: string }).big).to.have.length(3_000_000);
    await sql.end();
  });

  it('ends with the FATAL of a tap that terminates it, and calls closed', async () => {
    hooks.trafficFromClient.tap('guard', (batch) =>
      batch.query === 'shutdown' ? batch.terminate('57P01', 'enough') : undefined,
    );
    let closed = 0;
    hooks.closed.tap('spec', () => void (closed += 1));
    await using gateway = await start();
    using client = await WireClient.open(gateway.port);
    client.send(query('shutdown'));
    const words = await client.rest();
    expect(words.map(({ type }) => type).join('')).to.equal('E');
    await until(() => closed === 1);
  });

  for (const [which, quick] of [
    ['its first batch', 0],
    ['a later one', 1],
  ] as const) {
    it(`gives its place back when its client goes while a tap has ${which}`, async () => {
      let seen = 0;
      let held = 0;
      hooks.trafficFromClient.tapAsync('never', (_, settle) => {
        seen += 1;
        if (seen <= quick) settle();
        else held += 1;
      });
      await using gateway = await startGateway({ database: await sharedPostgres(), hooks, pool: { size: 1 } });
      const first = await WireClient.open(gateway.port);
      for (let answered = 0; answered < quick; answered++) {
        first.send(query('select 1'));
        await first.until('Z');
      }
      first.send(query('select 1'));
      await until(() => held === 1);
      first.socket.resetAndDestroy();
      using second = await WireClient.open(gateway.port);
      second.send(query('select 1'));
      await until(() => held === 2);
    });
  }

  const held = [
    ['a relayed client ends its side', startGateway, true],
    ['a pooled client ends its side', startPooledGateway, true],
    ['the database ends the connection', startGateway, false],
  ] as const;
  for (const [what, begin, endsItsSide] of held) {
    it(`carries on what a tap has for long when ${what} meanwhile`, async () => {
      const database = await sharedPostgres();
      /** Holds the batch of `select 42`, or its answer, which is the first that is read or, after others, a later one. */
      const ends = async (hook: 'trafficFromClient' | 'trafficFromServer', before: number): Promise<string> => {
        const own = createHooks();
        let settle: (() => void) | undefined;
        let left = before;
        const hold = (_: unknown, done: () => void): void => {
          if (left-- > 0) done();
          else settle = done;
        };
        if (hook === 'trafficFromClient') own.trafficFromClient.tapAsync('holds', hold);
        else own.trafficFromServer.tapAsync('holds', hold);
        await using gateway = await begin({ database, hooks: own });
        using client = await WireClient.open(gateway.port);
        for (let answered = 0; answered < before; answered++) {
          client.send(query('select 1'));
          await client.until('Z');
        }
        if (endsItsSide) client.socket.end(query('select 42'));
        else client.send(query('select 42'), message('X'));
        await until(() => settle !== undefined);
        await longerThanNobodyListens();
        left = Infinity;
        settle?.();
        const answer = typesOf(await client.rest());
        await until(() => gateway.gateway.sessions === 0);
        return answer;
      };
      const answers = await Promise.all(
        [0, 1].flatMap((before) => [ends('trafficFromClient', before), ends('trafficFromServer', before)]),
      );
      expect(answers).to.deep.equal(Array.from({ length: 4 }, () => 'TDCZ'));
    });
  }

  it('drains as any other', async () => {
    hooks.trafficFromServer.tapPromise('slow', () => new Promise((resolve) => setImmediate(resolve)));
    await using gateway = await start();
    using client = await WireClient.open(gateway.port);
    client.send(query('do $$ begin raise notice $n$begun$n$; perform pg_sleep(0.1); end $$'));
    await client.until('N');
    const closed = gateway.gateway.close();
    expect((await client.rest()).map(({ type }) => type).join('')).to.equal('CZE');
    await closed;
  });
});
