import { expect } from 'chai';
import * as fc from 'fast-check';
import { RequestTracker } from '../../lib/network/request-tracker.ts';

/**
 * A conversation in letters: `>` before what the client sent, `<` before what the
 * database did; `<I`, `<T` and `<F` are ReadyForQuery with the status idle, in transaction, failed.
 */
function after(conversation: string): RequestTracker {
  const tracker = new RequestTracker();
  tracker.ready('I');
  for (const [direction, letter] of conversation.split(' ').filter(Boolean) as unknown as [string, string][]) {
    const code = letter.charCodeAt(0);
    if (direction === '>') tracker.sent(code);
    else if (letter === 'I' || letter === 'T' || letter === 'F') tracker.ready(letter === 'F' ? 'E' : letter);
    else tracker.received(code);
  }
  return tracker;
}

describe('what is in flight', () => {
  it('is nothing before the first query, and unknown before the first ReadyForQuery', () => {
    expect(new RequestTracker().idle).to.equal(false);
    expect(after('').idle).to.equal(true);
  });

  for (const [what, busy, last] of [
    ['a query until it is answered', '>Q', '<T <D <C <I'],
    ['a function call until it is answered', '>F', '<V <I'],
    ['an extended query without Sync', '>P >B >D >E <1 <2 <D <C', '>S <I'],
    ['each of several queries sent together', '>Q >Q >Q <C <I <C <I', '<C <I'],
    ['pipelined Syncs, one answer each', '>P >B >E >S >B >E >S <1 <2 <C <I', '<2 <C <I'],
    ['a COPY in until its data is there', '>Q <G >d >d', '>c <C <I'],
    ['a COPY in that is given up', '>Q <G >d', '>f <E <I'],
    ['a COPY in that is refused half-way', '>Q <G >d <E', '<I'],
    ['a COPY by extended query, whose first Sync is ignored', '>P >B >E >S <1 <2 <G >d >c', '>S <C <I'],
    ['a COPY by extended query, with a Sync among its data', '>P >B >E <1 <2 <G >d >S >c', '>S <C <I'],
    ['a COPY by extended query, ended ahead', '>P >B >E >d >c >S <1 <2 <G', '<C <I'],
    ['an open transaction', '>Q <C <T', '>Q <C <I'],
    ['a failed transaction', '>Q <E <F', '>Q <C <I'],
  ] as const) {
    it(`is ${what}`, () => {
      expect(after(busy).idle).to.equal(false);
      expect(after(`${busy} ${last}`).idle).to.equal(true);
    });
  }

  for (const [what, conversation] of [
    ['a Sync was sent among its data', '>Q <G >d >S >Q <E <I <I'],
    ['a Sync was sent along with it', '>P >B >E >S <1 <2 <G >Q <E <I >S <C <I'],
    ['a Sync was sent among its data, which then ended', '>Q <G >d >S >c >Q <E <I <I'],
  ] as const) {
    it(`is never known to be nothing again after a COPY in that failed where ${what}`, () => {
      expect(after(conversation).quiet).to.equal(false);
      expect(after(`${conversation} >Q <C <I`).quiet).to.equal(false);
    });
  }

  for (const [what, conversation, answering] of [
    ['a query', '>Q', true],
    ['the second of two', '>Q >Q <C <I', true],
    ['a pipeline with its Sync', '>P >B >E >S', true],
    ['a query with an extended one behind it that has no Sync', '>Q >P', true],
    ['a COPY in whose data was sent ahead', '>Q >d >c <G', true],
    ['a COPY in that was ended', '>Q <G >d >c', true],
    ['nothing', '', false],
    ['an extended query without Sync', '>P >B >E', false],
    ['a COPY in whose data is still to come', '>Q <G >d', false],
    ['a COPY by extended query whose Sync it ignores', '>P >B >E >S <1 <2 <G', false],
  ] as const) {
    it(`${answering ? 'ends' : 'does not end'} by itself where it is ${what}`, () => {
      expect(after(conversation).answering).to.equal(answering);
    });
  }

  it('is not what the database says unasked, nor a Flush', () => {
    expect(after('<A <N <S >H').idle).to.equal(true);
  });

  it('is nothing again after any number of requests and as many answers', () => {
    const request = fc.constantFrom('>Q', '>F', '>P >B >E >S', '>S');
    fc.assert(
      fc.property(fc.array(request, { maxLength: 50 }), (requests) => {
        const all = requests.map((one) => `${one} `).join('');
        expect(after(all).idle).to.equal(requests.length === 0);
        expect(after(all + '<C <I '.repeat(requests.length)).idle).to.equal(true);
      }),
    );
  });
});
