import { expect } from 'chai';
import { RoundRobin } from '../../lib/network/load-balancer.ts';

describe('round robin', () => {
  const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
  const names = (balancer: RoundRobin<{ name: string }>): string =>
    balancer
      .candidates()
      .map(({ name }) => name)
      .join('');

  it('starts each session one further', () => {
    const balancer = new RoundRobin([a, b, c], 60_000);
    expect([names(balancer), names(balancer), names(balancer), names(balancer)]).to.deep.equal([
      'abc',
      'bca',
      'cab',
      'abc',
    ]);
  });

  it('puts what could not be reached last, until it is reached again', () => {
    const balancer = new RoundRobin([a, b, c], 60_000);
    balancer.failed(a);
    expect([names(balancer), names(balancer), names(balancer)]).to.deep.equal(['bca', 'bca', 'cba']);
    balancer.failed(b);
    balancer.failed(c);
    expect(names(balancer)).to.equal('abc');
    balancer.reached(c);
    expect(names(balancer)).to.equal('cba');
  });

  it('tries again what could not be reached when its time is over', () => {
    const balancer = new RoundRobin([a, b], 0);
    balancer.failed(a);
    expect(names(balancer)).to.equal('ab');
  });
});
