import { expect } from 'chai';
import { GatewayDError } from '../../lib/errors.ts';
import type { FromClient } from '../../lib/hooks/payloads.ts';
import { messages } from '../../lib/protocol/messages.ts';
import { Talk } from '../support/talk.ts';
import { until } from '../support/until.ts';

const {
  bind,
  close,
  copyData,
  copyDone,
  describe: describeMessage,
  execute,
  flush,
  parse,
  query,
  sync,
  terminate,
} = messages;
const ready = messages.readyForQuery;

/** A plugin that answers, refuses or ends what has the word in it. */
function guard(talk: Talk): void {
  talk.hooks.trafficFromClient.tap('guard', (batch: FromClient) => {
    const sql = batch.query ?? '';
    if (sql.includes('local'))
      return batch.reply({
        columns: ['a', 'b'],
        rows: [
          [1, null],
          ['x', true],
        ],
      });
    if (sql.includes('done')) return batch.reply({ columns: [], rows: [], command: 'CREATE TABLE' });
    if (sql.includes('secret')) return batch.refuse('42501', 'no');
    if (sql.includes('bomb')) return batch.terminate('57P01', 'bye');
    return undefined;
  });
}

const rows = ['DataRow 1,null', 'DataRow x,true', 'CommandComplete SELECT 2'];
const localRows = ['RowDescription a,b', ...rows];

describe('a reply in place of the database', () => {
  let talk: Talk;

  beforeEach(() => {
    talk = new Talk();
    guard(talk);
  });

  it('answers a simple query; ReadyForQuery comes from the database, which gets a Sync', () => {
    talk.client(query('local'));
    expect(talk.serverGot).to.deep.equal(['Sync']);
    expect(talk.clientGot).to.deep.equal(localRows);
    talk.server(ready('T'));
    expect(talk.clientGot).to.deep.equal(['ReadyForQuery T']);
    expect(talk.conversation.transactionStatus).to.equal('T');
  });

  it('without columns is a command tag alone', () => {
    talk.client(query('done'));
    expect(talk.clientGot).to.deep.equal(['CommandComplete CREATE TABLE']);
    talk.client(parse({ sql: 'done' }), describeMessage('S'), sync());
    talk.server(ready('I'), ready('I'));
    expect(talk.clientGot).to.deep.equal([
      'ReadyForQuery I',
      'ParseComplete',
      'ParameterDescription ',
      'NoData',
      'ReadyForQuery I',
    ]);
  });

  it('waits its turn behind what is still in flight', () => {
    talk.client(query('select 1'));
    talk.client(query('local'));
    talk.client(query('select 2'));
    expect(talk.serverGot).to.deep.equal(['Query select 1', 'Sync', 'Query select 2']);
    expect(talk.clientGot).to.be.empty;
    talk.server(messages.commandComplete('one'), ready('I'), ready('I'), messages.commandComplete('two'), ready('I'));
    expect(talk.clientGot).to.deep.equal([
      'CommandComplete one',
      'ReadyForQuery I',
      ...localRows,
      'ReadyForQuery I',
      'CommandComplete two',
      'ReadyForQuery I',
    ]);
  });

  it('answers extended queries up to Sync, with a RowDescription in the formats asked for', () => {
    talk.client(
      parse({ sql: 'local $1, $2', parameterTypes: [23] }),
      describeMessage('S'),
      bind({ parameters: ['1', '2'], resultFormats: ['binary'] }),
      describeMessage('P'),
      execute(),
      close('P'),
      sync(),
    );
    expect(talk.serverGot).to.deep.equal(['Close P', 'Sync']);
    talk.server(messages.closeComplete(), ready('I'));
    expect(talk.clientGot).to.deep.equal([
      'ParseComplete',
      'ParameterDescription 23,25',
      'RowDescription a,b',
      'BindComplete',
      'RowDescription a:binary,b:binary',
      ...rows,
      'CloseComplete',
      'ReadyForQuery I',
    ]);
  });

  it('is remembered for a statement that is bound and executed in later batches, until it is closed', () => {
    talk.client(parse({ statement: 's', sql: 'local $1' }), describeMessage('S', 's'), flush());
    expect(talk.serverGot).to.deep.equal(['Flush']);
    expect(talk.clientGot).to.deep.equal(['ParseComplete', 'ParameterDescription 25', 'RowDescription a,b']);
    for (let time = 0; time < 2; time++) {
      talk.client(bind({ statement: 's', parameters: ['1'] }), execute(), sync());
      expect(talk.serverGot).to.deep.equal(['Sync']);
      talk.server(ready('I'));
      expect(talk.clientGot).to.deep.equal(['BindComplete', ...rows, 'ReadyForQuery I']);
    }
    talk.client(close('S', 's'), sync());
    talk.client(bind({ statement: 's' }), execute(), sync());
    expect(talk.serverGot).to.deep.equal(['Close Ss', 'Sync', 'Bind', 'Execute', 'Sync']);
  });

  it('is forgotten when the statement is parsed anew', () => {
    talk.client(parse({ sql: 'local' }), sync());
    talk.client(parse({ sql: 'select 1' }), bind(), execute(), sync());
    expect(talk.serverGot).to.deep.equal(['Sync', 'Parse select 1', 'Bind', 'Execute', 'Sync']);
  });

  it('gives as many rows at a time as the client asks for', () => {
    talk.client(
      parse({ sql: 'local' }),
      bind({ portal: 'p' }),
      execute('p', 1),
      execute('p', 1),
      execute('p', 1),
      sync(),
    );
    expect(talk.clientGot).to.deep.equal([
      'ParseComplete',
      'BindComplete',
      'DataRow 1,null',
      'PortalSuspended',
      'DataRow x,true',
      'PortalSuspended',
      'CommandComplete SELECT 2',
    ]);
  });

  it('comes between the replies to the extended queries around it', () => {
    talk.client(parse({ sql: 'select 1' }), bind(), execute());
    talk.client(parse({ sql: 'local' }), bind(), execute());
    talk.client(parse({ sql: 'select 3' }), bind(), execute(), sync());
    const one = [messages.parseComplete(), messages.bindComplete(), messages.commandComplete('one')];
    talk.server(...one);
    expect(talk.clientGot).to.deep.equal([
      'ParseComplete',
      'BindComplete',
      'CommandComplete one',
      'ParseComplete',
      'BindComplete',
      ...rows,
    ]);
    talk.server(...one, ready('I'));
    expect(talk.clientGot).to.deep.equal(['ParseComplete', 'BindComplete', 'CommandComplete one', 'ReadyForQuery I']);
  });

  it('is left out after an error of the same sequence, as PostgreSQL would', () => {
    const failed = messages.errorResponse({ sqlstate: '22012', message: 'zero' });
    talk.client(parse({ sql: 'select 1/0' }), bind(), execute());
    talk.client(parse({ sql: 'local' }), bind(), execute());
    talk.server(messages.parseComplete(), messages.bindComplete(), failed);
    expect(talk.clientGot).to.deep.equal(['ParseComplete', 'BindComplete', 'ERROR 22012 zero']);
    talk.client(parse({ sql: 'local' }), bind(), execute());
    expect(talk.clientGot).to.be.empty;
    talk.client(sync());
    talk.server(ready('I'));
    expect(talk.clientGot).to.deep.equal(['ReadyForQuery I']);
    expect(talk.conversation.idle).to.be.true;
  });

  it('answers its own query and none that is sent along with it', () => {
    talk.client(query('local'), query('select 2'), parse({ sql: 'local' }), bind(), execute(), sync());
    expect(talk.serverGot).to.deep.equal(['Sync', 'Query select 2', 'Sync']);
    talk.server(ready('I'), messages.commandComplete('SELECT 0'), ready('I'), ready('I'));
    expect(talk.clientGot).to.deep.equal([
      ...localRows,
      'ReadyForQuery I',
      'CommandComplete SELECT 0',
      'ReadyForQuery I',
      'ParseComplete',
      'BindComplete',
      ...rows,
      'ReadyForQuery I',
    ]);
  });

  it('waits while a message of the database is halfway to the client', () => {
    const notice = messages.noticeResponse({ sqlstate: '00000', message: 'hello' }).bytes;
    talk.feed('backend', notice.subarray(0, 7));
    talk.client(query('local'));
    expect(Buffer.concat(talk.toClient)).to.deep.equal(notice.subarray(0, 7));
    talk.feed('backend', notice.subarray(7));
    talk.server(ready('I'));
    expect(talk.clientGot).to.deep.equal(['NoticeResponse', ...localRows, 'ReadyForQuery I']);
  });

  it('is refused to a plugin whose rows do not fit its columns', () => {
    talk.bus.trafficFromClient.tap('bad', (batch) => {
      expect(() => batch.reply({ columns: ['a'], rows: [[1], [1, 2]] })).to.throw(GatewayDError, 'row 1 has 2 values');
    });
    talk.client(query('select 1'));
    expect(talk.serverGot).to.deep.equal(['Query select 1']);
  });
});

describe('a refusal', () => {
  let talk: Talk;

  beforeEach(() => {
    talk = new Talk();
    guard(talk);
  });

  it('meets a query wherever it stands among others that are sent along', () => {
    talk.client(query('select 1'), query('secret 1'), query('select 2'));
    expect(talk.serverGot).to.deep.equal(['Query select 1', 'Sync', 'Query select 2']);
    talk.client(parse({ sql: 'select 3' }), bind(), execute(), parse({ sql: 'secret' }), bind(), execute(), sync());
    expect(talk.serverGot).to.deep.equal(['Parse select 3', 'Bind', 'Execute', 'Sync']);
    talk.client(bind(), execute(), query('secret 3'), sync());
    expect(talk.serverGot.join()).to.not.include('secret');
  });

  it('meets a query behind another when the tap takes its time', async () => {
    const slow = new Talk();
    slow.hooks.trafficFromClient.tapPromise('slow guard', async (batch) => {
      const { query: sql } = batch;
      await Promise.resolve();
      return sql?.includes('secret') === true ? batch.refuse('42501', 'no') : undefined;
    });
    slow.client(query('select 1'), query('secret'), query('select 2'));
    await until(() => slow.toServer.length > 0);
    expect(slow.serverGot).to.deep.equal(['Query select 1', 'Sync', 'Query select 2']);
  });

  it('answers a simple query with an ERROR the client survives', () => {
    talk.client(query('secret'));
    expect(talk.serverGot).to.deep.equal(['Sync']);
    talk.server(ready('I'));
    expect(talk.clientGot).to.deep.equal(['ERROR 42501 no', 'ReadyForQuery I']);
    expect(talk.end).to.be.undefined;
  });

  it('answers an extended query once and leaves out everything up to Sync, in later batches too', () => {
    talk.client(parse({ sql: 'secret' }), describeMessage('S'));
    talk.client(bind(), execute(), query('select 1'));
    expect(talk.serverGot).to.be.empty;
    expect(talk.clientGot).to.deep.equal(['ERROR 42501 no']);
    expect(talk.conversation.idle).to.be.false;
    talk.client(sync(), query('select 1'));
    expect(talk.serverGot).to.deep.equal(['Sync', 'Query select 1']);
  });

  it('makes a COPY that is under way fail', () => {
    talk.hooks.trafficFromClient.tap('no copy', (batch) => {
      for (const message of batch.messages) if (message.name === 'CopyData') return batch.refuse('42501', 'no data');
      return undefined;
    });
    talk.client(query('copy t from stdin'));
    talk.server(messages.commandComplete('never mind'));
    expect(talk.serverGot).to.deep.equal(['Query copy t from stdin']);
    talk.client(copyData('1\n'), copyData('2\n'), copyDone());
    expect(talk.serverGot).to.deep.equal(['CopyFail no data']);
  });

  it('is what a guard that fails amounts to', () => {
    talk.owner.onError = 'refuse';
    talk.hooks.trafficFromClient.tap('broken', () => {
      throw new Error('broken');
    });
    talk.client(query('select 1'));
    expect(talk.serverGot).to.deep.equal(['Sync']);
    expect(talk.clientGot).to.deep.equal(['ERROR 58000 a plugin that guards this connection failed']);
  });
});

describe('a termination', () => {
  it('from the client side sends a FATAL error and nothing to the database', () => {
    const talk = new Talk();
    guard(talk);
    talk.client(query('bomb'));
    expect(talk.serverGot).to.be.empty;
    expect(talk.clientGot).to.deep.equal(['FATAL 57P01 bye']);
    expect(talk.end).to.deep.equal({ sqlstate: '57P01', message: 'bye' });
  });

  it('from the server side sends a FATAL error in place of the batch', () => {
    const talk = new Talk();
    talk.hooks.trafficFromServer.tap('guard', (batch) => batch.terminate('57P01', 'bye'));
    talk.client(query('select 1'));
    talk.server(messages.dataRow(['1']));
    expect(talk.clientGot).to.deep.equal(['FATAL 57P01 bye']);
    expect(talk.end).to.include({ sqlstate: '57P01' });
  });

  it('is what the client itself says with Terminate, and nothing after it counts', () => {
    for (const hook of ['trafficFromClient', 'trafficFromServer'] as const) {
      const talk = new Talk();
      talk.hooks[hook].tap('look', () => undefined);
      talk.client(query('select 1'), terminate(), query('select 2'));
      expect(talk.serverGot).to.deep.equal(['Query select 1', 'Terminate']);
      expect(talk.terminated).to.be.true;
    }
  });

  it('ends a session that sends what cannot be a message', () => {
    for (const sender of ['frontend', 'backend'] as const) {
      for (const hook of ['trafficFromClient', 'trafficFromServer'] as const) {
        const talk = new Talk();
        talk.hooks[hook].tap('look', () => undefined);
        talk.feed(sender, Buffer.from('5100000003ffff', 'hex'));
        expect(talk.end, `${sender} ${hook}`).to.include({ sqlstate: '08P01' });
      }
    }
  });

  it('ends a session with a message that is too large to show, where that side is tapped only', () => {
    const large = copyData(Buffer.alloc(2000));
    for (const [hook, sender] of [
      ['trafficFromClient', 'frontend'],
      ['trafficToServer', 'frontend'],
      ['trafficFromServer', 'backend'],
      ['trafficToClient', 'backend'],
    ] as const) {
      const other = sender === 'frontend' ? 'backend' : 'frontend';
      const talk = new Talk({ maxMessageSize: 1000 });
      talk.hooks[hook].tap('look', () => undefined);
      talk.feed(other, large.bytes);
      expect(Buffer.concat([...talk.toServer, ...talk.toClient]), hook).to.deep.equal(large.bytes);
      talk.feed(sender, large.bytes.subarray(0, 5));
      expect(talk.end, hook).to.include({ sqlstate: '54000' });
    }
  });

  it('end the session when more of them wait for the database than can be kept, and not before', () => {
    const talk = new Talk();
    const value = 'x'.repeat(1024 * 1024 - 100);
    talk.hooks.trafficFromClient.tap('large', (batch: FromClient) =>
      batch.query === 'local' ? batch.reply({ columns: ['a'], rows: [[value]] }) : undefined,
    );
    talk.client(query('slow'));
    for (let count = 0; count < 15; count++) talk.client(query('local'));
    expect(talk.end).to.equal(undefined);
    talk.server(messages.commandComplete('SELECT 0'), ready('I'));
    for (let count = 0; count < 15; count++) talk.server(ready('I'));
    expect(talk.clientGot.filter((got) => got.startsWith('DataRow'))).to.have.lengthOf(15);
    talk.client(query('slow'));
    for (let count = 0; count < 17 && talk.end === undefined; count++) talk.client(query('local'));
    expect(talk.end).to.include({ sqlstate: '54000' });
  });
});
