import { expect } from 'chai';
import { FloodGate } from '../../plugins/telemetry/flood.ts';

describe('the flood gate', () => {
  let now: number;
  let gate: FloodGate;

  beforeEach(() => {
    now = 0;
    gate = new FloodGate(() => now);
  });

  const admitted = (key: string, times: number) =>
    Array.from({ length: times }, () => gate.admit(key)).filter((suppressed) => suppressed !== null);

  it('lets five through in any minute', () => {
    expect(admitted('a', 3)).to.have.length(3);
    now += 30_000;
    expect(admitted('a', 100)).to.have.length(2);
    now += 29_999;
    expect(admitted('a', 100)).to.have.length(0);
    now += 1;
    expect(admitted('a', 100)).to.have.length(3);
    now += 30_000;
    expect(admitted('a', 100)).to.have.length(2);
  });

  it('counts what it holds back into the next one', () => {
    expect(admitted('a', 12)).to.deep.equal([0, 0, 0, 0, 0]);
    now += 60_000;
    expect(gate.admit('a')).to.equal(7);
    expect(gate.admit('a')).to.equal(0);
  });

  it('counts in what others held back', () => {
    expect(gate.admit('a', 3)).to.equal(3);
    admitted('a', 4);
    expect(gate.admit('a', 10)).to.equal(null);
    now += 60_000;
    expect(gate.admit('a', 2)).to.equal(13);
  });

  it('saves up no more than five, however long it is quiet', () => {
    now += 86_400_000;
    expect(admitted('a', 100)).to.have.length(5);
  });

  it('lets no key pay for another', () => {
    admitted('a', 100);
    expect(admitted('b', 100)).to.have.length(5);
  });

  it('does not grow with keys that never end', () => {
    const through = Array.from({ length: 10_000 }, (_, index) => gate.admit(`key ${index}`)).filter(
      (one) => one !== null,
    );
    expect(through.length).to.be.lessThan(1_000);
  });
});
