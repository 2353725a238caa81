import { expect } from 'chai';
import { BoundedMap, LocalStatements } from '../../lib/traffic/local-statements.ts';

describe('what is remembered of a client’s statements', () => {
  it('is the newest of them, up to a number', () => {
    const map = new BoundedMap<number>(3);
    for (let value = 0; value < 5; value++) map.set(String(value), value);
    map.set('2', 22);
    map.set('5', 5);
    expect(['0', '1', '2', '3', '4', '5'].map((name) => map.get(name))).to.deep.equal([
      undefined,
      undefined,
      22,
      undefined,
      4,
      5,
    ]);
  });

  it('does not grow with the length of their names: the oldest go, and one too long by itself', () => {
    const map = new BoundedMap<number>(1000);
    const names = [1, 2, 3, 4].map((number) => String(number).repeat(300_000));
    names.forEach((name, value) => map.set(name, value));
    expect(names.map((name) => map.get(name))).to.deep.equal([undefined, 1, 2, 3]);
    map.set('x'.repeat(1_000_001), 9);
    expect(map.get('x'.repeat(1_000_001))).to.equal(undefined);
    map.set('short', 10);
    expect(map.get('short')).to.equal(10);
  });

  it('does not grow with the number of their parameters', () => {
    const statements = new LocalStatements();
    const parameterTypes = Array.from({ length: 65_535 }, () => 25);
    for (let number = 0; number < 40; number++) statements.set(`s${number}`, { answer: null, parameterTypes });
    const known = Array.from({ length: 40 }, (_, number) => statements.get(`s${number}`) !== undefined);
    expect(known.filter(Boolean)).to.have.lengthOf(15);
    expect(known.at(-1)).to.equal(true);
  });

  it('makes room again when they are closed', () => {
    const map = new BoundedMap<number>(1000);
    const names = [1, 2, 3].map((number) => String(number).repeat(400_000));
    for (const name of names) {
      map.set(name, 1);
      map.delete(name);
    }
    map.set(names[0]!, 1);
    map.set(names[1]!, 2);
    expect([map.get(names[0]!), map.get(names[1]!)]).to.deep.equal([1, 2]);
  });
});
