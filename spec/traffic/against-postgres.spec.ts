import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { createView } from '../../lib/hooks/view.ts';
import { MessageReader } from '../../lib/protocol/message-reader.ts';
import { messages } from '../../lib/protocol/messages.ts';
import { encodeStartupPacket } from '../../lib/protocol/startup.ts';
import { RecordingOwner } from '../support/recording-owner.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { brief, wire } from '../support/talk.ts';
import { TappedRelay } from '../support/tapped-relay.ts';

const {
  bind,
  close,
  copyData,
  copyDone,
  copyFail,
  describe: describeMessage,
  execute,
  flush,
  parse,
  query,
  sync,
} = messages;

/** What a client sends, and the last word of the answer it waits for. */
type Step = readonly [sent: Buffer, until: RegExp];

const idle = /^ReadyForQuery/;

/** Opens a session, takes the steps, gives the whole conversation from the database's side in short. */
async function converse(socket: Socket, steps: readonly Step[]): Promise<string[]> {
  const reader = new MessageReader(1_000_000);
  const heard: string[] = [];
  let wake = (): void => {};
  socket.on('data', (chunk) => {
    heard.push(...brief('backend', Buffer.concat(reader.read(chunk))));
    wake();
  });
  const parameters = new Map(Object.entries({ user: 'postgres', database: 'postgres' }));
  const startup = encodeStartupPacket({ name: 'StartupMessage', major: 3, minor: 0, parameters });
  for (const [sent, until] of [[startup, idle] as const, ...steps]) {
    const from = heard.length;
    socket.write(sent);
    while (!heard.slice(from).some((word) => until.test(word))) await new Promise<void>((resolve) => (wake = resolve));
  }
  socket.destroy();
  return heard.slice(heard.findIndex((word) => idle.test(word)) + 1);
}

const select = wire(parse({ sql: 'select 1 as a' }), bind(), execute(), sync());

const scripts: Readonly<Record<string, readonly Step[]>> = {
  'a query of several statements, one of them wrong': [
    [wire(query('select 1 as a; select 2 as b; select 1/0; select 3')), idle],
  ],
  'an empty query, simple and extended': [
    [wire(query('')), idle],
    [wire(parse({ sql: '' }), bind(), execute(), sync()), idle],
  ],
  'a pipeline with an error in the middle': [
    [
      wire(parse({ sql: 'select 1/0' }), bind(), execute(), parse({ sql: 'select 2' }), bind(), execute(), sync()),
      idle,
    ],
    [select, idle],
  ],
  'a pipeline that is flushed, and goes on after its error': [
    [wire(parse({ sql: 'select 1/0' }), bind(), execute(), flush()), /^ERROR/],
    [wire(parse({ sql: 'select 2' }), query('select 3'), sync()), idle],
    [select, idle],
  ],
  'a portal executed a row at a time': [
    [wire(query('begin')), idle],
    [
      wire(
        parse({ sql: 'select generate_series(1, 3) as a' }),
        bind({ portal: 'p' }),
        execute('p', 2),
        execute('p', 2),
        execute('p', 2),
        close('P', 'p'),
        execute('p'),
        sync(),
      ),
      idle,
    ],
    [wire(query('rollback')), idle],
  ],
  'a cursor of SQL executed as a portal': [
    [wire(query('begin; declare c cursor for select 1 as a')), idle],
    [wire(execute('c'), sync()), idle],
    [wire(query('close c; declare c cursor for select 1 as b, 2 as c')), idle],
    [wire(execute('c'), sync()), idle],
    [wire(query('commit')), idle],
  ],
  'a statement prepared by SQL': [
    [wire(query('prepare s as select 7 as a')), idle],
    [wire(bind({ statement: 's', resultFormats: ['binary'] }), execute(), sync()), idle],
    [wire(query('deallocate s; prepare s as select 1 as b, 2 as c')), idle],
    [wire(describeMessage('S', 's'), bind({ statement: 's' }), describeMessage('P'), execute(), sync()), idle],
  ],
  'what returns no rows, and what does not exist': [
    [wire(parse({ sql: 'create temporary table t (a int)' }), bind(), execute(), sync()), idle],
    [wire(bind({ statement: 'no' }), execute(), sync()), idle],
    [wire(execute('no'), sync()), idle],
  ],
  'COPY in by an extended query, Sync and all': [
    [wire(query('create temporary table t (a int)')), idle],
    [wire(parse({ sql: 'copy t from stdin' }), bind(), execute(), sync()), /^CopyInResponse/],
    [wire(copyData('1\n2\n'), copyDone(), sync()), idle],
    [wire(parse({ sql: 'copy t from stdin' }), bind(), execute(), flush()), /^CopyInResponse/],
    [wire(copyFail('no'), sync()), idle],
    [wire(query('copy t from stdin')), /^CopyInResponse/],
    [wire(copyData('x\n'), copyDone()), idle],
    [wire(query('copy t to stdout')), idle],
    [select, idle],
  ],
};

describe('a conversation with PostgreSQL', () => {
  let database: EmbeddedPostgres;

  before(async () => (database = await sharedPostgres()));

  for (const [what, steps] of Object.entries(scripts)) {
    it(`is the same with taps on both sides that change nothing: ${what}`, async () => {
      const direct = await converse(connect(database.address), steps);
      const bus = createHooks();
      const owner = new RecordingOwner('spec');
      const hooks = createView(bus, owner);
      hooks.trafficFromClient.tap('look', (batch) => void [...batch.messages]);
      // Every row has the columns its values have.
      hooks.trafficFromServer.tap('look', (batch) => batch.mapRows((row) => row));
      const relay = new TappedRelay(database, bus);
      const socket = connect(await relay.listen(), '127.0.0.1');
      await once(socket, 'connect');
      expect(await converse(socket, steps)).to.deep.equal(direct);
      relay.close();
      for (const error of owner.errors) throw error;
      expect(relay.conversations[0]?.idle).to.equal(direct.at(-1) === 'ReadyForQuery I');
    });
  }
});
