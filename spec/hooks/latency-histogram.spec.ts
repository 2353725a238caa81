import { expect } from 'chai';
import * as fc from 'fast-check';
import { LatencyHistogram } from '../../lib/hooks/latency-histogram.ts';

describe('the histogram of how long calls took', () => {
  it('gives any quantile of any times to within a tenth', () => {
    // From a tenth of a microsecond to five minutes.
    const times = fc.array(fc.double({ min: 0.000_13, max: 300_000, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, fc.double({ min: 0.01, max: 1, noNaN: true }), (taken, share) => {
        const histogram = new LatencyHistogram();
        for (const milliseconds of taken) histogram.add(milliseconds);
        const exact = taken.sort((a, b) => a - b)[Math.ceil(share * taken.length) - 1]!;
        expect(histogram.quantile(share)).to.be.within(exact * 0.9, exact * 1.1);
      }),
    );
  });

  it('takes in times of any size, also those that a clock that is set back gives', () => {
    const histogram = new LatencyHistogram();
    for (const milliseconds of [0, -1, Infinity, Number.NaN, 1e9]) histogram.add(milliseconds);
    expect(histogram.quantile(0)).to.be.greaterThan(0);
    expect(new LatencyHistogram().quantile(0.5)).to.equal(0);
  });
});
