import { expect } from 'chai';
import * as fc from 'fast-check';
import type { ServerConfig } from '../../lib/config/schema.ts';
import { Health } from '../../lib/network/health.ts';
import { LoadBalancer, strategyOf } from '../../lib/network/load-balancer.ts';

type Config = Partial<ServerConfig['loadBalancer']>;
interface Target {
  readonly name: string;
  readonly health: Health;
}

const targets = (...names: string[]): [Target, ...Target[]] =>
  names.map((name) => ({ name: `default.${name}`, health: new Health() })) as [Target, ...Target[]];
const weights = (shares: Readonly<Record<string, number>>): Config => ({
  strategy: 'WEIGHTED_ROUND_ROBIN',
  loadBalancingRules: [
    {
      condition: 'DEFAULT',
      distribution: Object.entries(shares).map(([proxyName, weight]) => ({ proxyName, weight })),
    },
  ],
});
const balance = (list: [Target, ...Target[]], config: Config = {}, pause = 60_000): LoadBalancer<Target> => {
  const whole = { strategy: 'ROUND_ROBIN', loadBalancingRules: [], ...config } as const;
  return new LoadBalancer(list, strategyOf<Target>('default', whole), pause);
};
const client = (host: string, port = 5000): { host: string; port: number } => ({ host, port });
const names = (balancer: LoadBalancer<Target>, from = client('10.0.0.1')): string =>
  balancer
    .candidates(from)
    .map(({ name }) => name.slice('default.'.length))
    .join('');
const firsts = (balancer: LoadBalancer<Target>, count: number): string =>
  Array.from({ length: count }, () => names(balancer)[0]).join('');

describe('balancing load', () => {
  it('in turn starts each session one further', () => {
    const balancer = balance(targets('a', 'b', 'c'));
    expect(Array.from({ length: 4 }, () => names(balancer))).to.deep.equal(['abc', 'bca', 'cab', 'abc']);
  });

  it('puts what could not be reached last, whatever the strategy, until it is reached again', () => {
    const configs: Config[] = [
      {},
      { strategy: 'RANDOM' },
      weights({ a: 100, b: 1, c: 1 }),
      { consistentHash: { useSourceIp: true } },
    ];
    for (const config of configs) {
      const list = targets('a', 'b', 'c');
      const balancer = balance(list, config);
      balancer.failed(list[0]);
      for (let round = 0; round < 20; round += 1) expect(names(balancer)[2]).to.equal('a');
      for (const target of list) balancer.failed(target);
      expect(names(balancer)).to.have.length(3);
      balancer.reached(list[2]!);
      expect(names(balancer)[0]).to.equal('c');
    }
  });

  it('shares what is left evenly when one is down', () => {
    const list = targets('a', 'b', 'c');
    const balancer = balance(list);
    balancer.failed(list[0]);
    expect(firsts(balancer, 4)).to.equal('bcbc');
  });

  it('tries again what could not be reached when its time is over', () => {
    const list = targets('a', 'b');
    const balancer = balance(list, {}, 0);
    balancer.failed(list[0]);
    expect(names(balancer)).to.equal('ab');
  });

  it('at random gives every order', () => {
    const balancer = balance(targets('a', 'b', 'c'), { strategy: 'RANDOM' });
    const seen = new Set(Array.from({ length: 400 }, () => names(balancer)));
    // Each of the six comes with a probability of 1/6: that one is missing after 400 is one in 10^31.
    expect(seen.size).to.equal(6);
  });

  it('by weights gives each its share, evenly spread', () => {
    expect(firsts(balance(targets('a', 'b', 'c'), weights({ a: 5, b: 1, c: 1 })), 7)).to.equal('aabacaa');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }), (shares) => {
        const all = shares.map((_, index) => String.fromCharCode(97 + index));
        const byName = Object.fromEntries(all.map((name, index) => [name, shares[index]!]));
        const sum = shares.reduce((one, other) => one + other, 0);
        const taken = firsts(balance(targets(...all), weights(byName)), sum);
        for (const name of all) expect(taken.split(name).length - 1).to.equal(byName[name]);
      }),
    );
  });

  it('by weights goes to one without a share only when no other can be reached', () => {
    const list = targets('a', 'b', 'c');
    const balancer = balance(list, weights({ a: 0, b: 2 }));
    expect(firsts(balancer, 5)).to.equal('bbbbb');
    balancer.failed(list[1]!);
    expect(['a', 'c']).to.include(names(balancer)[0]);
  });

  describe('by the address of the client', () => {
    const addresses = Array.from({ length: 2000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    const choose = (config: Config, ...all: string[]): string[] => {
      const balancer = balance(targets(...all), config);
      return addresses.map((host) => names(balancer, client(host))[0]!);
    };
    const byIp = { consistentHash: { useSourceIp: true } };

    it('gives the same client the same database, whatever its port', () => {
      const balancer = balance(targets('a', 'b', 'c'), byIp);
      for (const host of addresses.slice(0, 50)) {
        const order = names(balancer, client(host, 1));
        expect(names(balancer, client(host, 2))).to.equal(order);
        expect(names(balancer, client(`::ffff:${host}`, 3))).to.equal(order);
      }
      const whole = balance(targets('a', 'b', 'c'), { consistentHash: { useSourceIp: false } });
      const ports = Array.from({ length: 100 }, (_, port) => names(whole, client('10.0.0.1', port)));
      expect(new Set(ports).size).to.be.greaterThan(1);
    });

    it('spreads clients evenly, and by weights where there are some', () => {
      const counts = (chosen: string[], name: string): number => chosen.filter((one) => one === name).length;
      const even = choose(byIp, 'a', 'b', 'c', 'd');
      for (const name of ['a', 'b', 'c', 'd']) expect(counts(even, name)).to.be.within(400, 600);
      const weighted = choose({ ...byIp, ...weights({ a: 3, b: 1 }) }, 'a', 'b');
      expect(counts(weighted, 'a')).to.be.within(1400, 1600);
    });

    it('moves only the clients of a block that comes or goes', () => {
      const three = choose(byIp, 'a', 'b', 'c');
      const four = choose(byIp, 'a', 'd', 'c', 'b');
      let moved = 0;
      for (const [index, before] of three.entries()) {
        if (four[index] === before) continue;
        expect(four[index]).to.equal('d');
        moved += 1;
      }
      expect(moved).to.be.within(400, 600);
    });
  });
});
