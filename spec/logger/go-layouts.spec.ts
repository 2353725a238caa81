import { expect } from 'chai';
import { formatByGoLayout } from '../../lib/logger/go-layouts.ts';

// What Go itself prints for this moment.
const moment = new Date('2006-01-02T22:04:05.067Z');
const inDenver = {
  Layout: "01/02 03:04:05PM '06 -0700",
  ANSIC: 'Mon Jan  2 15:04:05 2006',
  UnixDate: 'Mon Jan  2 15:04:05 MST 2006',
  RubyDate: 'Mon Jan 02 15:04:05 -0700 2006',
  RFC822: '02 Jan 06 15:04 MST',
  RFC822Z: '02 Jan 06 15:04 -0700',
  RFC850: 'Monday, 02-Jan-06 15:04:05 MST',
  RFC1123: 'Mon, 02 Jan 2006 15:04:05 MST',
  RFC1123Z: 'Mon, 02 Jan 2006 15:04:05 -0700',
  RFC3339: '2006-01-02T15:04:05-07:00',
  RFC3339Nano: '2006-01-02T15:04:05.067-07:00',
  Kitchen: '3:04PM',
  Stamp: 'Jan  2 15:04:05',
  StampMilli: 'Jan  2 15:04:05.067',
  StampMicro: 'Jan  2 15:04:05.067000',
  StampNano: 'Jan  2 15:04:05.067000000',
} as const;

describe("Go's time layouts", () => {
  let zone: string | undefined;
  before(() => {
    zone = process.env['TZ'];
  });
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  for (const [layout, text] of Object.entries(inDenver)) {
    it(`writes ${layout} as Go does`, () => {
      process.env['TZ'] = 'America/Denver';
      expect(formatByGoLayout(moment, layout as keyof typeof inDenver)).to.equal(text);
    });
  }

  it('writes UTC as Z, a zone ahead of it with a plus, and a whole second without a fraction', () => {
    process.env['TZ'] = 'UTC';
    expect(formatByGoLayout(new Date('2026-07-04T00:30:00Z'), 'RFC3339Nano')).to.equal('2026-07-04T00:30:00Z');
    expect(formatByGoLayout(new Date('2026-07-04T00:30:00Z'), 'Kitchen')).to.equal('12:30AM');
    process.env['TZ'] = 'Asia/Kolkata';
    expect(formatByGoLayout(new Date('2026-07-04T00:30:00Z'), 'RFC3339')).to.equal('2026-07-04T06:00:00+05:30');
  });
});
