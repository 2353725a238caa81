import { expect } from 'chai';
import * as fc from 'fast-check';
import { formatDuration, longestTimer, milliseconds, nanoseconds } from '../../lib/config/durations.ts';
import { GatewayDError } from '../../lib/errors.ts';

describe('a duration', () => {
  const cases: [string, number][] = [
    ['0', 0],
    ['0s', 0],
    ['10s', 10_000],
    ['1m', 60_000],
    ['500ms', 500],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['2.s', 2000],
    ['1m30.5s', 90_500],
    ['1us', 0.001],
    ['1µs', 0.001], // micro sign
    ['1μs', 0.001], // Greek letter
    ['1500ns', 0.0015],
    ['1h1m1s1ms', 3_661_001],
  ];
  for (const [text, expected] of cases) {
    it(`of ${text} is ${expected} ms`, () => expect(milliseconds(text)).to.equal(expected));
  }

  for (const text of [
    '',
    '10',
    '-1s',
    '+1s',
    '1 s',
    's',
    '.s',
    '1d',
    '1s ',
    '1S',
    '1e3s',
    '1,5s',
    '0x1s',
    '1..5s',
    '1s2',
  ]) {
    it(`is not written ${JSON.stringify(text)}`, () =>
      expect(() => milliseconds(text))
        .to.throw(GatewayDError)
        .with.property('code', 'CONFIG_DURATION_INVALID'));
  }

  it('longer than any timer can wait is cut to the longest that one can', () => {
    expect(milliseconds('100000h')).to.equal(longestTimer);
    expect(milliseconds('596h')).to.equal(596 * 3_600_000);
  });

  it('is the same after it was written and read', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (total) => {
        expect(nanoseconds(formatDuration(total))).to.equal(total);
      }),
    );
  });

  it('is the sum of its parts, in any order', () => {
    const part = fc.tuple(fc.nat(10_000), fc.constantFrom('ns', 'us', 'ms', 's', 'm', 'h'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), (parts) => {
        const texts = parts.map(([amount, unit]) => `${amount}${unit}`);
        const sum = texts.map(nanoseconds).reduce((total, each) => total + each, 0n);
        expect(nanoseconds(texts.join(''))).to.equal(sum);
      }),
    );
  });
});
