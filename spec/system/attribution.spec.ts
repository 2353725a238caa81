import { expect } from 'chai';
import { failInEveryWay } from '../support/attribution.ts';

describe('attribution at length', () => {
  it('names the plugin and the hook of each of 10,000 failures', async () => {
    const { failures, wrong } = await failInEveryWay(10_000);
    expect(failures).to.equal(10_000);
    expect(wrong).to.deep.equal({});
  });
});
