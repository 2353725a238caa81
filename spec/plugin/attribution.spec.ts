import { expect } from 'chai';
import { failInEveryWay } from '../support/attribution.ts';

describe('attribution', () => {
  it('names the plugin and the hook of whatever fails, in every way there is', async function () {
    this.timeout(60_000);
    const { failures, wrong } = await failInEveryWay(620);
    expect(failures).to.equal(620);
    expect(wrong).to.deep.equal({});
  });
});
