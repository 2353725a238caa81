import { expect } from 'chai';
import { Interruption } from '../../lib/network/interruption.ts';
import { caught } from '../support/caught.ts';

const reason = new Error('the reason');
const never = new Promise<never>(() => undefined);

describe('an interruption', () => {
  it('ends all that is waited for, and what is begun after it, with its reason', async () => {
    const interruption = new Interruption();
    const waits = [interruption.wait(never), interruption.wait(never)].map((wait) => caught(wait));
    interruption.interrupt(reason);
    expect(await Promise.all(waits)).to.deep.equal([reason, reason]);
    expect(await caught(interruption.wait(Promise.resolve('too late')))).to.equal(reason);
    expect(() => interruption.throwIfInterrupted()).to.throw(reason);
  });

  it('leaves what is settled before it as it is', async () => {
    const interruption = new Interruption();
    const other = new Error('another');
    expect(await interruption.wait(Promise.resolve(1))).to.equal(1);
    expect(await caught(interruption.wait(Promise.reject(other)))).to.equal(other);
    expect(() => interruption.throwIfInterrupted()).not.to.throw();
  });

  it('aborts its signal, whether that was asked for before or after', () => {
    const [asked, late] = [new Interruption(), new Interruption()];
    const { signal } = asked;
    expect(signal.aborted).to.equal(false);
    for (const one of [asked, late]) one.interrupt(reason);
    expect([signal, late.signal].map(({ aborted, reason: why }) => [aborted, why])).to.deep.equal([
      [true, reason],
      [true, reason],
    ]);
    expect(asked.signal).to.equal(signal);
  });

  it('keeps its first reason', async () => {
    const interruption = new Interruption();
    interruption.interrupt(reason);
    interruption.interrupt(new Error('another'));
    expect(await caught(interruption.wait(never))).to.equal(reason);
    expect(interruption.signal.reason).to.equal(reason);
  });
});
