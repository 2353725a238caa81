import { expect } from 'chai';
import { leaks } from '../support/canaries.ts';

describe('the events of errors at length', () => {
  it('hold nothing of what is planted in 100,000 hostile errors', function () {
    this.timeout(400_000);
    expect(leaks(100_000, 4711)).to.deep.equal([]);
  });
});
