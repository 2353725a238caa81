import { expect } from 'chai';
import { messages } from '../../lib/protocol/messages.ts';
import { Talk } from '../support/talk.ts';

const {
  bind,
  close,
  commandComplete,
  copyData,
  copyDone,
  copyFail,
  dataRow,
  describe: describeMessage,
  execute,
} = messages;
const { flush, parse, query, rowDescription, sync } = messages;
const ready = messages.readyForQuery;
const error = messages.errorResponse({ sqlstate: '22012', message: 'zero' });
const copyIn = { bytes: Buffer.from('4700000007000000', 'hex') };
const copyOut = { bytes: Buffer.from('4800000007000000', 'hex') };

/** The taps of each mode; in all of them what is in flight has to be known. */
const modes = {
  'both sides tapped': ['trafficFromClient', 'trafficFromServer'],
  'the client tapped': ['trafficFromClient'],
  'the database tapped': ['trafficFromServer'],
} as const;

describe('what is in flight', () => {
  for (const [mode, hooks] of Object.entries(modes)) {
    describe(`with ${mode}`, () => {
      let talk: Talk;

      beforeEach(() => {
        talk = new Talk();
        for (const hook of hooks) talk.hooks[hook].tap('look', () => undefined);
      });

      const expectIdle = (idle: boolean): void => {
        expect(talk.conversation.idle).to.equal(idle);
      };

      it('is nothing at first', () => expectIdle(true));

      it('is a simple query until its ReadyForQuery, whatever comes before', () => {
        talk.client(query('select; select'));
        expectIdle(false);
        talk.server(rowDescription([{ name: 'a' }]), dataRow(['1']), commandComplete('a'), commandComplete('b'));
        expectIdle(false);
        talk.server(ready('I'));
        expectIdle(true);
      });

      it('is a transaction', () => {
        talk.client(query('begin'));
        talk.server(commandComplete('BEGIN'), ready('T'));
        expectIdle(false);
        expect(talk.conversation.transactionStatus).to.equal('T');
        talk.client(query('rollback'));
        talk.server(commandComplete('ROLLBACK'), ready('I'));
        expectIdle(true);
      });

      it('is each of several sequences sent at once', () => {
        const sequence = [parse({ sql: 'x' }), bind(), describeMessage('P'), execute(), close('P'), sync()];
        const replies = [
          messages.parseComplete(),
          messages.bindComplete(),
          rowDescription([{ name: 'a' }]),
          commandComplete('x'),
          messages.closeComplete(),
          ready('I'),
        ];
        talk.client(...sequence, ...sequence);
        talk.server(...replies);
        expectIdle(false);
        talk.server(...replies);
        expectIdle(true);
      });

      it('is not what asynchronous messages could be taken for', () => {
        const notice = messages.noticeResponse({ sqlstate: '00000', message: 'x' });
        const asynchronous = [notice, messages.parameterStatus('a', 'b'), messages.notificationResponse(1, 'c', '')];
        talk.server(...asynchronous);
        expectIdle(true);
        talk.client(parse({ sql: 'x' }), sync());
        talk.server(...asynchronous, messages.parseComplete(), ...asynchronous, ready('I'));
        expectIdle(true);
      });

      it('is over up to Sync after an error, and what comes before that Sync is not counted', () => {
        talk.client(parse({ sql: 'x' }), bind(), describeMessage('S'), execute());
        talk.server(error);
        expectIdle(false);
        talk.client(parse({ sql: 'y' }), bind(), query('z'));
        talk.client(sync(), query('select'));
        talk.server(ready('I'));
        expectIdle(false);
        talk.server(commandComplete('a'), ready('I'));
        expectIdle(true);
      });

      it('is over up to its own Sync only, after an error in the middle of a pipeline', () => {
        talk.client(parse({ sql: 'x' }), bind(), execute(), sync(), parse({ sql: 'y' }), sync(), query('z'));
        talk.server(messages.parseComplete(), error, ready('I'));
        talk.server(messages.parseComplete(), ready('I'));
        expectIdle(false);
        talk.server(error, ready('I'));
        expectIdle(true);
      });

      it('is an Execute that is suspended, and one of an empty query', () => {
        talk.client(execute('', 1), execute('', 1), execute(), sync());
        const hidden = hooks.some((hook) => hook === 'trafficFromServer') ? [messages.noData()] : [];
        talk.server(...hidden, dataRow(['1']), messages.portalSuspended(), messages.portalSuspended());
        talk.server(messages.emptyQueryResponse(), ready('I'));
        expectIdle(true);
      });

      it('is a COPY in of a simple query, one that fails too', () => {
        for (const [last, reply] of [
          [copyDone(), commandComplete('COPY 1')],
          [copyFail('no'), error],
        ] as const) {
          talk.client(query('copy'));
          talk.server(copyIn);
          talk.client(copyData('1\n'), last);
          expectIdle(false);
          talk.server(reply, ready('I'));
          expectIdle(true);
        }
      });

      it('is a COPY in that fails while the client still sends', () => {
        talk.client(query('copy'));
        talk.server(copyIn, error, ready('I'));
        talk.client(copyData('1\n'), copyDone());
        expectIdle(true);
      });

      it('is a COPY in of an extended query, whose first Sync the database ignores', () => {
        talk.client(bind(), execute(), sync());
        const hidden = hooks.some((hook) => hook === 'trafficFromServer') ? [messages.noData()] : [];
        talk.server(messages.bindComplete(), ...hidden, copyIn);
        talk.client(sync());
        talk.client(copyData('1\n'), copyDone(), sync());
        talk.server(commandComplete('COPY 1'));
        expectIdle(false);
        talk.server(ready('I'));
        expectIdle(true);
      });

      it('is never known to be nothing again after a COPY that failed with a Sync sent along', () => {
        talk.client(bind(), execute(), sync());
        const hidden = hooks.some((hook) => hook === 'trafficFromServer') ? [messages.noData()] : [];
        talk.server(messages.bindComplete(), ...hidden, copyIn, error);
        talk.client(copyFail('no'), sync());
        talk.server(ready('I'));
        expectIdle(false);
      });

      it('ends the session when a COPY fails with more behind it than its Sync', () => {
        talk.client(query('copy'));
        talk.server(copyIn);
        talk.client(copyData('x'), sync(), sync(), query('select'));
        talk.server(error);
        expect(talk.end?.sqlstate).to.equal('08P01');
      });

      it('is a COPY out', () => {
        talk.client(query('copy'));
        talk.server(copyOut, copyData('1\n'), copyData('2\n'), copyDone(), commandComplete('COPY 2'));
        expectIdle(false);
        talk.server(ready('I'));
        expectIdle(true);
      });

      it('is a FunctionCall, and a Sync alone; a Flush is nothing', () => {
        talk.feed('frontend', Buffer.from('460000000e0000002a000000000000', 'hex'));
        talk.client(sync(), flush());
        talk.feed('backend', Buffer.from('5600000008ffffffff', 'hex'));
        talk.server(ready('I'));
        expectIdle(false);
        talk.server(ready('I'));
        expectIdle(true);
      });

      it('is half a message', () => {
        const { bytes } = query('select');
        for (let at = 1; at < bytes.length; at++) {
          talk.feed('frontend', bytes.subarray(0, at));
          expectIdle(false);
          talk.feed('frontend', bytes.subarray(at));
          talk.server(ready('I'));
          expectIdle(true);
        }
        talk.feed('backend', messages.parameterStatus('a', 'b').bytes.subarray(0, 6));
        expectIdle(false);
      });
    });
  }
});
