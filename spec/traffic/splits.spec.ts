import { expect } from 'chai';
import * as fc from 'fast-check';
import type { Batch } from '../../lib/hooks/payloads.ts';
import { messages, type Sender } from '../../lib/protocol/messages.ts';
import { Talk, wire } from '../support/talk.ts';

const {
  bind,
  commandComplete,
  copyData,
  copyDone,
  dataRow,
  describe: describeMessage,
  execute,
  parse,
  query,
} = messages;
const { errorResponse, noticeResponse, readyForQuery: ready, rowDescription, sync } = messages;

type Step = readonly [sender: Sender, bytes: Buffer];

const people = rowDescription([{ name: 'name' }, { name: 'ssn' }]);
const copyIn = { bytes: Buffer.from('4700000007000000', 'hex') };

/** A session with a bit of everything; each local answer's turn is in the middle of what the database sends. */
const session: readonly Step[] = [
  ['frontend', wire(query('select'))],
  ['frontend', wire(query('local'))],
  [
    'backend',
    wire(people, dataRow(['ann', '1']), dataRow([null, null]), noticeResponse({ sqlstate: '00000', message: 'n' })),
  ],
  ['backend', wire(commandComplete('SELECT 2'), ready('I'), ready('I'))],
  [
    'frontend',
    wire(parse({ statement: 's', sql: 'x' }), bind({ statement: 's' }), describeMessage('P'), execute(), sync()),
  ],
  [
    'backend',
    wire(
      messages.parseComplete(),
      messages.bindComplete(),
      people,
      dataRow(['bob', '2']),
      commandComplete('x'),
      ready('I'),
    ),
  ],
  ['frontend', wire(parse({ sql: 'secret' }), bind(), describeMessage('P'), execute(), sync())],
  ['backend', wire(ready('I'))],
  [
    'frontend',
    wire(
      parse({ statement: 'l', sql: 'local $1' }),
      describeMessage('S', 'l'),
      bind({ statement: 'l', parameters: ['1'] }),
      describeMessage('P'),
      execute(),
      sync(),
    ),
  ],
  ['backend', wire(ready('I'))],
  ['frontend', wire(query('copy'))],
  ['backend', wire(copyIn)],
  ['frontend', wire(copyData('1\n'), copyData(Buffer.alloc(300, 65)), copyDone())],
  ['backend', wire(commandComplete('COPY 1'), ready('I'))],
  ['frontend', wire(parse({ sql: 'bad' }), bind(), describeMessage('P'), execute(), sync())],
  ['backend', wire(errorResponse({ sqlstate: '42601', message: 'syntax' }), ready('I'))],
];

/** What both sides get of the session when each step comes in pieces of these sizes, again and again. */
function run(taps: (talk: Talk) => void, sizes: readonly number[]): { toServer: string; toClient: string } {
  const talk = new Talk();
  taps(talk);
  let turn = 0;
  for (const [sender, bytes] of session) {
    for (let start = 0; start < bytes.length; turn++) {
      const size = sizes[turn % sizes.length] ?? Infinity;
      // A buffer of its own that is overwritten after, as a socket's may be.
      const piece = Buffer.from(bytes.subarray(start, start + size));
      talk.feed(sender, piece);
      talk.toServer = [Buffer.concat(talk.toServer)];
      talk.toClient = [Buffer.concat(talk.toClient)];
      piece.fill(0xee);
      start += size;
    }
  }
  expect(talk.owner.errors).to.be.empty;
  expect(talk.end).to.be.undefined;
  expect(talk.conversation.idle).to.be.true;
  const all = (list: Buffer[]): string => Buffer.concat(list).toString('latin1');
  return { toServer: all(talk.toServer), toClient: all(talk.toClient) };
}

const answer = (talk: Talk): void =>
  talk.hooks.trafficFromClient.tap('answer', (batch) => {
    if (batch.query?.startsWith('local') === true) return batch.reply({ columns: ['a'], rows: [[1], [null]] });
    return batch.query === 'secret' ? batch.refuse('42501', 'no') : undefined;
  });

const mask = (talk: Talk): void =>
  talk.hooks.trafficFromServer.tap('mask', (batch) =>
    batch.mapRows((row) => {
      row.set('ssn', `*${row.text('ssn')}*`);
      return row;
    }),
  );

type TappedHook = 'trafficFromClient' | 'trafficToServer' | 'trafficFromServer' | 'trafficToClient';

const look =
  (...hooks: readonly TappedHook[]) =>
  (talk: Talk): void => {
    for (const hook of hooks) talk.hooks[hook].tap('look', (batch: Batch) => void [...batch.messages]);
  };

const sent = (wanted: Sender): string =>
  Buffer.concat(session.filter(([sender]) => sender === wanted).map(([, bytes]) => bytes)).toString('latin1');

const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 });

describe('a session split anywhere', () => {
  for (const [what, taps] of [
    ['answered and masked', (talk: Talk) => [answer, mask].forEach((tap) => tap(talk))],
    ['answered', answer],
    ['masked', mask],
  ] as const) {
    it(`gives both sides the same when it is ${what}`, () => {
      const whole = run(taps, [Infinity]);
      expect(whole).not.to.deep.equal({ toServer: sent('frontend'), toClient: sent('backend') });
      for (let size = 1; size <= 30; size++) expect(run(taps, [size]), `pieces of ${size}`).to.deep.equal(whole);
      fc.assert(fc.property(sizes, (split) => void expect(run(taps, split)).to.deep.equal(whole)));
    });
  }

  for (const hooks of [
    ['trafficFromClient', 'trafficFromServer'],
    ['trafficFromClient'],
    ['trafficFromServer'],
    ['trafficToServer', 'trafficToClient'],
  ] as const) {
    it(`is passed on byte for byte when the taps of ${hooks.join(' and ')} change nothing`, () => {
      const same = { toServer: sent('frontend'), toClient: sent('backend') };
      expect(run(look(...hooks), [Infinity])).to.deep.equal(same);
      fc.assert(fc.property(sizes, (split) => void expect(run(look(...hooks), split)).to.deep.equal(same)));
    });
  }
});

describe('garbage', () => {
  it('from either side is passed on or ends the session, and never anything else', () => {
    const types = 'BCDEFHPQSXcdfp123AIKNRTVWZnstv!'.split('').map((letter) => letter.charCodeAt(0));
    const message = fc
      .tuple(fc.constantFrom(...types), fc.uint8Array({ maxLength: 24 }))
      .map(([type, body]) => Buffer.concat([Buffer.of(type, 0, 0, 0, body.length + 4), body]));
    const chunk = fc.oneof(
      { weight: 6, arbitrary: message },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 24 }) },
    );
    const steps = fc.array(fc.tuple(fc.constantFrom<Sender>('frontend', 'backend'), chunk), { maxLength: 30 });
    for (const taps of [answer, mask, (talk: Talk) => [answer, mask].forEach((tap) => tap(talk))]) {
      fc.assert(
        fc.property(steps, (list) => {
          const talk = new Talk();
          taps(talk);
          for (const [sender, bytes] of list) {
            if (talk.end !== undefined || talk.terminated) break;
            expect(talk.feed(sender, Buffer.from(bytes))).to.be.true;
          }
          if (talk.end !== undefined)
            expect(talk.end.sqlstate).to.equal(talk.end.sqlstate === '54000' ? '54000' : '08P01');
        }),
        { numRuns: 150 },
      );
    }
  });
});
