import { expect } from 'chai';
import { restBetweenTurns, turn } from '../lib/turn.ts';

/** Holds the event loop for longer than work that can wait may. */
function hold(): void {
  const end = performance.now() + 2;
  while (performance.now() < end);
}

describe('a turn of work that can wait', () => {
  it('lets what waits in the event loop go first when it has held it', async () => {
    const order: string[] = [];
    hold();
    setImmediate(() => order.push('another'));
    await turn();
    order.push('the next step');
    expect(order).to.deep.equal(['another', 'the next step']);
  });

  it('is one for each that waits, however many do', async () => {
    const order: string[] = [];
    /** Stands for a query that comes in again and again. */
    const query = (left: number): void => {
      order.push('query');
      if (left > 0) setImmediate(query, left - 1);
    };
    setImmediate(query, 6);
    const steps = Array.from({ length: 4 }, async () => {
      hold();
      await turn();
      order.push('step');
      hold();
    });
    await Promise.all(steps);
    const apart = order.join(' ').split('step').slice(1, -1);
    expect(apart).to.have.lengthOf(3);
    for (const between of apart) expect(between).to.contain('query');
  });

  it('comes after a rest while others are at work, where that is wanted', async () => {
    const progress = { over: false, others: 0 };
    const other = (): void => {
      const end = performance.now() + 0.3;
      while (performance.now() < end);
      progress.others += 1;
      if (!progress.over) setImmediate(other);
    };
    setImmediate(other);
    const othersIn = async (steps: number): Promise<number> => {
      const before = progress.others;
      for (let step = 0; step < steps; step++) {
        hold();
        await turn();
      }
      return progress.others - before;
    };
    const without = await othersIn(10);
    const end = restBetweenTurns();
    const resting = await othersIn(10);
    end();
    const after = await othersIn(10);
    progress.over = true;
    expect(resting).to.be.greaterThan(2 * Math.max(without, after));
  });

  it('goes on in the running one where it has held nothing up', async () => {
    hold();
    await turn();
    const order: string[] = [];
    setImmediate(() => order.push('another'));
    await turn();
    order.push('the next step');
    expect(order).to.deep.equal(['the next step']);
  });
});
