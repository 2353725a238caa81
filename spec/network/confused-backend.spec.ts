import { expect } from 'chai';
import { checkConfig } from '../../lib/config/check.ts';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { silentLogger } from '../../lib/logger.ts';
import { buildBackendPools } from '../../lib/network/build-backend-pools.ts';
import { Places } from '../../lib/network/places.ts';
import { parseEndpoint } from '../../lib/network/endpoint.ts';
import { startPooledGateway } from '../support/pooled-gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { message, query, WireClient } from '../support/wire-client.ts';

const evil = query("select pg_sleep(0.2), 'evil'");

describe('a backend that nobody can tell what it is at', () => {
  for (const tapped of [false, true]) {
    // The Syncs behind the error are answered, those before it would not have been.
    it(`gives no client the answers of one that sent Syncs with bad COPY data${tapped ? ', with a tap' : ''}`, async () => {
      const database = await sharedPostgres();
      const hooks = createHooks();
      if (tapped) hooks.trafficFromClient.tap('spec', () => undefined);
      await using gateway = await startPooledGateway({ database, hooks, pool: { size: 1 } });
      using attacker = await WireClient.open(gateway.port);
      attacker.send(query('create temp table c (n int); copy c from stdin'));
      await attacker.until('G');
      const syncs = Array.from({ length: 6 }, () => message('S'));
      attacker.send(message('d', 'no number\n'), ...syncs, evil, evil, evil, evil, message('X'));
      attacker.socket.resume();
      const victim = gateway.client();
      await victim.connect();
      for (let n = 0; n < 5; n += 1) {
        const { rows } = await victim.query(`select ${n} as n`);
        expect(rows).to.deep.equal([{ n }]);
      }
      await victim.end();
    });
  }

  it('goes to no other client when it still answers after it was reset', async () => {
    const { network, address } = await sharedPostgres();
    const config = await checkConfig({
      clients: { default: { writes: { network, address, startupParams: { user: 'postgres' } } } },
      pools: { default: { writes: { size: 1 } } },
      servers: { default: { address: '127.0.0.1:0', auth: { method: 'trust' } } },
    });
    const { writes: client } = config.clients['default']!;
    const { writes: pool } = config.pools['default']!;
    const endpoint = parseEndpoint('clients.default.writes', network, address);
    const plan = { name: 'default.writes', client: client!, pool: pool!, endpoint, checkPeriod: 0 };
    const { home } = buildBackendPools({ ...plan, logger: silentLogger(), places: new Places(plan.pool.size) })!;
    const signal = new AbortController().signal;
    const first = await home.acquire(signal);
    first.socket.write(Buffer.concat([evil, evil, evil]));
    await home.release(first, 'idle');
    expect(first.socket.destroyed).to.equal(true);
    const second = await home.acquire(signal);
    const { rows } = await second.ask(query('select 1'), 1, 5000);
    expect(rows.map(([one]) => String(one))).to.deep.equal(['1']);
    await home.release(second, 'idle');
    expect(second.socket.destroyed).to.equal(false);
    await home.close();
  });
});
