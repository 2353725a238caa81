import { expect } from 'chai';
import { Newcomers } from '../../lib/network/newcomers.ts';
import type { SessionState } from '../../lib/network/session-state.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { query, startup, WireClient } from '../support/wire-client.ts';

interface One {
  state: SessionState;
  readonly host: string;
  readonly name: string;
}

describe('connections that are not logged in', () => {
  const come = (host: string, name = host, state: SessionState = 'starting'): One => ({ state, host, name });

  it('are let in up to the limit; one more has to go itself', () => {
    const newcomers = new Newcomers<One>();
    expect([1, 2, 3].map((name) => newcomers.admit(come('a', String(name)), 3))).to.deep.equal([null, null, null]);
    expect(newcomers.admit(come('a', 'last'), 3)?.name).to.equal('last');
  });

  it('do not count once they are logged in, wait for the database, or are gone', () => {
    for (const state of ['open', 'waiting', 'draining', 'closed'] as const) {
      const newcomers = new Newcomers<One>();
      const first = come('a');
      newcomers.admit(first, 1);
      first.state = state;
      expect(newcomers.admit(come('a'), 1)).to.equal(null);
    }
    const newcomers = new Newcomers<One>();
    const first = come('a');
    newcomers.admit(first, 1);
    newcomers.leave(first);
    expect(newcomers.admit(come('a'), 1)).to.equal(null);
  });

  it('of an address that has most of them go for one of another address, the oldest first', () => {
    const newcomers = new Newcomers<One>();
    for (let index = 0; index < 8; index += 1) newcomers.admit(come('greedy', `greedy ${index}`), 8);
    expect(newcomers.admit(come('modest'), 8)?.name).to.equal('greedy 0');
    expect(newcomers.admit(come('modest', 'second'), 8)?.name).to.equal('greedy 1');
    expect(newcomers.admit(come('greedy', 'greedy again'), 8)?.name).to.equal('greedy again');
  });

  it('without a limit are as many as come', () => {
    const newcomers = new Newcomers<One>();
    for (let index = 0; index < 5000; index += 1) expect(newcomers.admit(come('a'), 0)).to.equal(null);
  });

  describe('of a server', () => {
    let gateway: SpecGateway;
    before(async () => {
      gateway = await startGateway({ database: await sharedPostgres(), server: { maxUnauthenticated: 3 } });
    });
    after(() => gateway[Symbol.asyncDispose]());

    it('are told 53300 past the limit, whatever they have said so far, and leave the others alone', async () => {
      const open: WireClient[] = [];
      while (open.length < 4) open.push(await WireClient.open(gateway.port));
      const silent = await Promise.all([1, 2, 3].map(() => WireClient.connect(gateway.port)));
      silent[1]!.send(startup().subarray(0, 6));
      using refused = await WireClient.connect(gateway.port);
      expect(await refused.lastWords()).to.include({ severity: 'FATAL', sqlstate: '53300' });
      expect(gateway.log.filter(({ code }) => code === 'NETWORK_TOO_MANY_UNAUTHENTICATED')).to.have.length(1);
      for (const client of open) {
        client.send(query('select 1'));
        await client.until('Z');
      }
      silent[1]!.send(startup().subarray(6));
      await silent[1]!.until('Z');
      using next = await WireClient.open(gateway.port);
      next.send(query('select 1'));
      await next.until('Z');
      for (const client of [...open, ...silent]) client.socket.destroy();
      await until(() => gateway.gateway.sessions === 1);
    });
  });
});
