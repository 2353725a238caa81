import { expect } from 'chai';
import { leaks } from '../support/canaries.ts';

describe('the event of an error', () => {
  it('holds nothing of what is planted in it, of 2,000 hostile errors', () => {
    expect(leaks(2_000, 7)).to.deep.equal([]);
  });
});
