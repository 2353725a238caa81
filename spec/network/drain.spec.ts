import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { parseErrorFields } from '../../lib/protocol/error-response.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { message, query, startup, WireClient } from '../support/wire-client.ts';

describe('closing a gateway', () => {
  const start = async (drainTimeout: string): Promise<SpecGateway> =>
    startGateway({ database: await sharedPostgres(), server: { drainTimeout }, pool: { size: 4 } });

  it('ends idle sessions at once with 57P01, and busy ones when they have their answer', async () => {
    await using gateway = await start('60s');
    using idle = await WireClient.open(gateway.port);
    using busy = await WireClient.open(gateway.port);
    using inTransaction = await WireClient.open(gateway.port);
    inTransaction.send(query('begin'));
    await inTransaction.until('Z');
    busy.send(query('do $$ begin raise notice $n$begun$n$; perform pg_sleep(0.3); end $$'));
    await busy.until('N');
    const closed = gateway.gateway.close();
    expect(await idle.lastWords()).to.include({ severity: 'FATAL', sqlstate: '57P01' });
    const rest = await busy.rest();
    expect(rest.map(({ type }) => type).join('')).to.equal('CZE');
    expect(parseErrorFields(rest.at(-1)!.body)).to.include({ sqlstate: '57P01' });
    inTransaction.send(query('select 1'));
    expect((await inTransaction.until('Z')).at(-1)!.body.toString()).to.equal('T');
    inTransaction.send(query('commit'));
    expect(await inTransaction.lastWords()).to.include({ sqlstate: '57P01' });
    await closed;
    expect(gateway.gateway.sessions).to.equal(0);
  });

  it('ends the rest at drainTimeout with 57P01', async () => {
    await using gateway = await start('50ms');
    using busy = await WireClient.open(gateway.port);
    busy.send(query('do $$ begin raise notice $n$begun$n$; perform pg_sleep(60); end $$'));
    await busy.until('N');
    using halfway = await WireClient.open(gateway.port);
    halfway.send(message('Q', 'select 1').subarray(0, 7));
    const closed = gateway.gateway.close();
    for (const client of [busy, halfway]) {
      expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '57P01' });
    }
    await closed;
  });

  it('cuts off a client that does not read even that', async () => {
    await using gateway = await start('1ms');
    using client = await WireClient.open(gateway.port);
    client.send(query("select repeat('x', 1000000) from generate_series(1, 50)"));
    await client.until('T');
    await gateway.gateway.close();
    expect(gateway.gateway.sessions).to.equal(0);
  });

  it('tells clients that are not logged in yet 57P03, and takes no new ones', async () => {
    await using gateway = await startGateway({ database: await sharedPostgres(), pool: { size: 1 } });
    using first = await WireClient.open(gateway.port);
    using silent = await WireClient.connect(gateway.port);
    using waiting = await WireClient.connect(gateway.port);
    waiting.send(startup());
    await until(() => gateway.gateway.sessions === 2);
    const closed = gateway.gateway.close();
    for (const client of [silent, waiting]) {
      expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '57P03' });
    }
    expect(await first.lastWords()).to.include({ sqlstate: '57P01' });
    await closed;
    const [refused] = (await once(connect(gateway.port, '127.0.0.1'), 'error')) as [Error];
    expect(refused).to.include({ code: 'ECONNREFUSED' });
  });

  it('may be asked for twice', async () => {
    await using gateway = await start('1s');
    await Promise.all([gateway.gateway.close(), gateway.gateway.close()]);
  });

  it('with destroy cuts everything, whatever is in flight, and still calls closed once for each session', async () => {
    const hooks = createHooks();
    const closed: string[] = [];
    hooks.closed.tap('spec', ({ id }) => void closed.push(id));
    const gateway = await startGateway({ database: await sharedPostgres(), hooks });
    using busy = await WireClient.open(gateway.port);
    busy.send(query('do $$ begin raise notice $n$begun$n$; perform pg_sleep(60); end $$'));
    await busy.until('N');
    using idle = await WireClient.open(gateway.port);
    gateway.gateway.destroy();
    await Promise.all([busy.rest(), idle.rest()]);
    await gateway.gateway.close();
    expect(closed).to.have.length(2);
    expect(new Set(closed).size).to.equal(2);
  });
});
