import { expect } from 'chai';
import * as fc from 'fast-check';
import { UnboundOffer } from '../../lib/network/unbound-offer.ts';
import { message } from '../support/wire-client.ts';

const offer = (...mechanisms: readonly string[]): Buffer =>
  message(
    'R',
    Buffer.concat([Buffer.from([0, 0, 0, 10]), Buffer.from(mechanisms.map((name) => `${name}\0`).join('') + '\0')]),
  );
const plus = 'SCRAM-SHA-256-PLUS';
const scram = 'SCRAM-SHA-256';
const version = message('v', Buffer.from([0, 3, 0, 0, 0, 0, 0, 0]));
const cleartext = message('R', Buffer.from([0, 0, 0, 3]));
const refusal = message('E', 'SFATAL\0C28000\0Mno\0\0');

describe('what a database with TLS offers to a client without', () => {
  for (const [what, sent, passed] of [
    ['binding first', offer(plus, scram), offer(scram)],
    ['binding last', offer(scram, plus), offer(scram)],
    ['no binding', offer(scram), offer(scram)],
    ['something that sounds like it', offer(`X-${plus}`, scram), offer(`X-${plus}`, scram)],
    ['binding behind a version', Buffer.concat([version, offer(plus, scram)]), Buffer.concat([version, offer(scram)])],
    [
      'a password in the clear, and more',
      Buffer.concat([cleartext, offer(plus)]),
      Buffer.concat([cleartext, offer(plus)]),
    ],
    ['nothing but an error', refusal, refusal],
    [
      'nothing that makes sense',
      Buffer.from('R\x7f\xff\xff\xff\0', 'latin1'),
      Buffer.from('R\x7f\xff\xff\xff\0', 'latin1'),
    ],
  ] as const) {
    it(`is passed on without binding, in whatever pieces it comes, where it is ${what}`, () => {
      fc.assert(
        fc.property(fc.uniqueArray(fc.nat(sent.length), { maxLength: 6 }), (cuts) => {
          const filter = new UnboundOffer();
          const ends = [...cuts.sort((a, b) => a - b), sent.length];
          const got = ends.map((end, index) => filter.take(sent.subarray(ends[index - 1] ?? 0, end)));
          expect(Buffer.concat(got).toString('latin1')).to.equal(passed.toString('latin1'));
          const more = Buffer.from('more');
          expect(filter.take(more)).to.equal(more);
        }),
      );
    });
  }
});
