import { expect } from 'chai';
import * as fc from 'fast-check';
import type { FromClient, FromServer, LargeBody } from '../../lib/hooks/payloads.ts';
import { messages, type Sender } from '../../lib/protocol/messages.ts';
import { caught } from '../support/caught.ts';
import { Talk, wire } from '../support/talk.ts';
import { until } from '../support/until.ts';

const { bind, copyData, copyDone, dataRow, execute, flush, noticeResponse, parse, query, sync } = messages;
const { readyForQuery: ready } = messages;

const limit = 64;
const large = { name: 'large', largeMessages: true };
const filler = 'x'.repeat(200);
const body = (message: { readonly bytes: Buffer }): Buffer => message.bytes.subarray(5);

const newTalk = (): Talk => new Talk({ maxMessageSize: limit });

/** Feeds bytes in such pieces, each when the one before is dealt with or the session is over. */
async function feed(talk: Talk, sender: Sender, bytes: Buffer, pieces: readonly number[] = [bytes.length]) {
  let start = 0;
  for (let count = 0; start < bytes.length && talk.end === undefined; count++) {
    const end = start + (pieces[count % pieces.length] ?? 1);
    await new Promise<void>((resolve) => talk.feed(sender, bytes.subarray(start, end), resolve));
    start = end;
  }
}

async function read(from: LargeBody): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of from) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('a message larger than maxMessageSize', () => {
  const size = fc.integer({ min: 0, max: 3 * limit });
  const text = size.map((length) => 'x'.repeat(length));
  const fromClient = fc.oneof(
    text.map((data) => copyData(data)),
    text.map((sql) => query(sql)),
    text.map((sql) => parse({ sql })),
    fc.constant(sync()),
    fc.constant(flush()),
  );
  const fromServer = fc.oneof(
    text.map((data) => copyData(data)),
    text.map((value) => dataRow([value, null])),
    text.map((message) => noticeResponse({ sqlstate: '00000', message })),
    fc.constant(ready('I')),
  );
  const pieces = fc.array(fc.integer({ min: 1, max: 2 * limit }), { minLength: 1, maxLength: 10 });

  for (const [sender, hook, sentHook, arbitrary] of [
    ['frontend', 'trafficFromClient', 'trafficToServer', fromClient],
    ['backend', 'trafficFromServer', 'trafficToClient', fromServer],
  ] as const) {
    it(`of the ${sender} is passed byte for byte among others, however it is split, and read by who wants to`, async () => {
      const list = fc.array(arbitrary as fc.Arbitrary<{ readonly name: string; readonly bytes: Buffer }>, {
        minLength: 1,
        maxLength: 12,
      });
      const readers = fc.constantFrom<'none' | 'some' | 'all'>('none', 'some', 'all');
      await fc.assert(
        fc.asyncProperty(list, pieces, readers, async (sent, split, mode) => {
          const talk = newTalk();
          const seen: string[] = [];
          const bodies: (Buffer | null)[] = [];
          talk.hooks[hook].tap(large, (batch: FromClient | FromServer) => {
            for (const { name, bytes } of batch.messages) seen.push(`${name} ${bytes.length}`);
            const message = batch.large;
            if (message === null) return;
            expect([...batch.messages]).to.deep.equal([]);
            seen.push(`${message.name} ${message.length + 5}`);
            const number = bodies.push(null) - 1;
            expect(message.head.length).to.equal(limit - 5);
            if (mode === 'all' || (mode === 'some' && number % 2 === 0)) {
              for (let reader = 0; reader < 2; reader++) {
                message.read(async (from) => void (bodies[number] = await read(from)));
              }
            }
          });
          const observed: string[] = [];
          talk.hooks[sentHook].tap(large, ({ messages: whole, large: message }) => {
            for (const { name, bytes } of whole) observed.push(`${name} ${bytes.length}`);
            if (message !== null) observed.push(`${message.name} ${message.length + 5}`);
          });
          await feed(talk, sender, wire(...sent), split);
          expect(talk.owner.errors).to.deep.equal([]);
          expect(talk.end).to.equal(undefined);
          const got = Buffer.concat(sender === 'frontend' ? talk.toServer : talk.toClient);
          expect(got.equals(wire(...sent))).to.equal(true);
          const names = sent.map(({ name, bytes }) => `${name} ${bytes.length}`);
          expect(seen).to.deep.equal(names);
          expect(observed).to.deep.equal(names);
          const larger = sent.filter(({ bytes }) => bytes.length > limit);
          expect(bodies.length).to.equal(larger.length);
          for (const [number, wanted] of larger.entries()) {
            if (mode === 'none' || (mode === 'some' && number % 2 === 1)) continue;
            expect(bodies[number]?.equals(body(wanted))).to.equal(true);
          }
        }),
        { numRuns: 150 },
      );
    });
  }

  it('ends the session where one tap of the direction does not take it', () => {
    for (const [sender, hook, other] of [
      ['frontend', 'trafficFromClient', 'trafficToServer'],
      ['frontend', 'trafficToServer', 'trafficFromClient'],
      ['frontend', 'trafficFromClient', 'trafficFromClient'],
      ['backend', 'trafficFromServer', 'trafficToClient'],
    ] as const) {
      const talk = newTalk();
      talk.hooks[hook].withOptions({ largeMessages: true }).tap('takes', () => undefined);
      talk.hooks[other].tap('does not', () => undefined);
      talk.feed(sender, copyData(filler).bytes);
      expect(talk.end, `${hook} ${other}`).to.include({ sqlstate: '54000' });
    }
  });

  it('ends the session where it is of a kind that cannot be passed in pieces', () => {
    const talk = newTalk();
    talk.hooks.trafficFromClient.tap(large, () => undefined);
    talk.client(messages.describe('S', filler));
    expect(talk.end).to.include({ sqlstate: '54000' });
  });

  it('passes in pieces where only `traffic` is tapped, which shows no message', () => {
    const talk = newTalk();
    let fired = 0;
    talk.hooks.traffic.tap('count', () => void fired++);
    talk.client(query(filler), query('x'));
    expect(talk.serverGot).to.deep.equal([`Query ${filler}`, 'Query x']);
    expect(fired).to.equal(2);
  });

  it('is no reason to call a tap twice, and `query` is null in its batch', () => {
    const talk = newTalk();
    const queries: (string | null)[] = [];
    talk.hooks.trafficFromClient.tap(large, (batch) => void queries.push(batch.query));
    const bytes = wire(query('small'), query(filler), query('after'));
    for (const byte of bytes) talk.feed('frontend', Buffer.of(byte));
    expect(queries).to.deep.equal(['small', null, 'after']);
  });
});

describe('a tap that takes large messages', () => {
  const refuse = (talk: Talk): void =>
    talk.hooks.trafficFromClient.tap(large, (batch) =>
      batch.large === null ? undefined : batch.refuse('42501', 'not so much'),
    );

  it('refuses a query before any of it is sent, and the session goes on', () => {
    const talk = newTalk();
    refuse(talk);
    talk.client(query(filler), query('next'));
    expect(talk.clientGot).to.deep.equal(['ERROR 42501 not so much']);
    expect(talk.serverGot).to.deep.equal(['Sync', 'Query next']);
    expect(talk.conversation.quiet).to.equal(false);
    talk.server(ready('I'), ready('I'));
    expect(talk.conversation.idle).to.equal(true);
  });

  it('refuses an extended query, which is left out up to its Sync', () => {
    const talk = newTalk();
    refuse(talk);
    talk.client(parse({ sql: 'insert' }), bind({ parameters: [filler] }), execute(), sync());
    expect(talk.serverGot).to.deep.equal(['Parse insert', 'Sync']);
    talk.server(messages.parseComplete(), ready('I'));
    expect(talk.clientGot).to.deep.equal(['ParseComplete', 'ERROR 42501 not so much', 'ReadyForQuery I']);
  });

  it('refuses a COPY in the middle', () => {
    const talk = newTalk();
    refuse(talk);
    talk.client(query('copy t from stdin'));
    talk.server({ bytes: Buffer.from('4700000007000000', 'hex') });
    talk.client(copyData('one'), copyData(filler), copyData('two'), copyDone());
    const got = talk.serverGot;
    expect(got.slice(0, 3)).to.deep.equal(['Query copy t from stdin', 'CopyData', 'CopyFail not so much']);
    expect(Buffer.concat(talk.toServer).includes(filler)).to.equal(false);
  });

  it('answers a query, replaces it, or leaves a message out', () => {
    const talk = newTalk();
    talk.hooks.trafficFromClient.tap(large, (batch) => {
      const message = batch.large;
      if (message?.head.subarray(0, 6).toString() === 'answer') return batch.reply({ columns: ['a'], rows: [['b']] });
      if (message?.name === 'Query') message.replace(query('short'));
      if (message?.name === 'CopyData') message.drop();
      return undefined;
    });
    talk.hooks.trafficFromServer.tap(large, (batch) => batch.large?.replace([dataRow(['less']), dataRow(['more'])]));
    talk.client(query(`answer ${filler}`), query(filler), copyData(filler), copyData('kept'));
    expect(talk.clientGot).to.deep.equal(['RowDescription a', 'DataRow b', 'CommandComplete SELECT 1']);
    expect(talk.serverGot).to.deep.equal(['Sync', 'Query short', 'CopyData']);
    talk.server(ready('I'), dataRow([filler]));
    expect(talk.clientGot).to.deep.equal(['ReadyForQuery I', 'DataRow less', 'DataRow more']);
    expect(talk.owner.changes.map(({ kind }) => kind)).to.deep.equal(['reply', 'replace', 'drop', 'replace']);
  });

  it('cannot answer a large Parse or Bind', () => {
    const talk = newTalk();
    talk.hooks.trafficFromClient.tap(large, (batch) => batch.reply({ columns: [], rows: [] }));
    talk.client(parse({ sql: filler }));
    expect(talk.owner.errors).to.have.nested.property('[0].code', 'PAYLOAD_BAD_REPLY');
    expect(talk.serverGot).to.deep.equal([`Parse ${filler}`]);
  });

  it('holds on to it for no longer than its time', async () => {
    const talk = newTalk();
    let kept: FromClient | undefined;
    talk.hooks.trafficFromClient.tap(large, (batch) => void (kept = batch));
    talk.client(query(filler));
    expect(await caught(() => kept?.large)).to.have.property('code', 'PAYLOAD_EXPIRED');
  });

  it('is undone when it fails: its reader is not called, and the message is as it was', () => {
    const talk = newTalk();
    let called = false;
    talk.hooks.trafficFromClient.tap(large, (batch) => {
      batch.large?.read(() => void (called = true));
      batch.large?.drop();
      throw new Error('broken');
    });
    talk.client(query(filler));
    expect(talk.serverGot).to.deep.equal([`Query ${filler}`]);
    expect(called).to.equal(false);
  });
});

describe('the reader of a large message', () => {
  const reading = (talk: Talk, reader: (from: LargeBody) => unknown): void =>
    talk.hooks.trafficFromClient.tap(large, (batch) => batch.large?.read(reader));

  it('has each piece before the database, which waits for it', async () => {
    const talk = newTalk();
    let proceed = (): void => {};
    const pieces: Buffer[] = [];
    reading(talk, async (from) => {
      for await (const piece of from) {
        pieces.push(piece);
        await new Promise<void>((resolve) => (proceed = resolve));
      }
    });
    const { bytes } = copyData(filler);
    const fed = feed(talk, 'frontend', bytes, [100]);
    await until(() => pieces.length === 1);
    expect(talk.toServer).to.deep.equal([]);
    expect(talk.conversation.quiet).to.equal(false);
    proceed();
    await until(() => pieces.length === 2);
    expect(Buffer.concat(talk.toServer).equals(bytes.subarray(0, 100))).to.equal(true);
    proceed();
    await until(() => pieces.length === 3);
    proceed();
    await fed;
    expect(Buffer.concat(talk.toServer).equals(bytes)).to.equal(true);
  });

  it('ends the session before the database has the whole message', async () => {
    const talk = newTalk();
    reading(talk, async (from) => {
      const all = await read(from);
      return all.includes('secret') ? from.terminate('42501', 'what it held') : undefined;
    });
    await feed(talk, 'frontend', copyData(filler).bytes, [50]);
    expect(talk.serverGot).to.deep.equal(['CopyData']);
    const { bytes } = copyData(`${filler}secret`);
    await feed(talk, 'frontend', bytes, [50]);
    expect(talk.end).to.deep.equal({ sqlstate: '42501', message: 'what it held' });
    expect(talk.clientGot).to.deep.equal(['FATAL 42501 what it held']);
    const got = Buffer.concat(talk.toServer);
    expect(got.length).to.be.lessThan(bytes.length);
    expect(got.equals(bytes.subarray(0, got.length))).to.equal(true);
    expect(talk.owner.changes.map(({ kind }) => kind)).to.deep.equal(['terminate']);
  });

  it('ends it without a word to a client that has half a message', async () => {
    const talk = newTalk();
    talk.hooks.trafficFromServer.tap(large, (batch) =>
      batch.large?.read(async (from) => {
        await read(from);
        return from.terminate('42501', 'no');
      }),
    );
    const { bytes } = dataRow([filler]);
    await feed(talk, 'backend', bytes, [100]);
    expect(talk.end).to.include({ sqlstate: '42501' });
    expect(Buffer.concat(talk.toClient).equals(bytes.subarray(0, 200))).to.equal(true);
  });

  it('may want only the beginning', async () => {
    const talk = newTalk();
    const pieces: Buffer[] = [];
    reading(talk, async (from) => {
      for await (const piece of from) {
        pieces.push(piece);
        break;
      }
    });
    await feed(talk, 'frontend', copyData(filler).bytes, [70]);
    expect(talk.serverGot).to.deep.equal(['CopyData']);
    expect(Buffer.concat(pieces).toString()).to.equal('x'.repeat(65));
  });

  it('that fails is reported, and the message passes without it', async () => {
    for (const reader of [
      () => {
        throw new Error('at once');
      },
      async (from: LargeBody) => {
        for await (const piece of from) throw new Error(`after ${piece.length}`);
      },
      async (from: LargeBody) => {
        await read(from);
        throw new Error('in the end');
      },
    ]) {
      const talk = newTalk();
      reading(talk, reader);
      await feed(talk, 'frontend', copyData(filler).bytes, [70]);
      expect(talk.serverGot).to.deep.equal(['CopyData']);
      expect(talk.owner.failures).to.have.lengthOf(1);
      expect(talk.owner.failures[0]?.context).to.deep.include({ hook: 'trafficFromClient', phase: 'hook' });
    }
  });

  it('that fails ends the session where its plugin is a guard', async () => {
    const talk = newTalk();
    talk.owner.onError = 'refuse';
    reading(talk, async (from) => {
      await read(from);
      throw new Error('broken');
    });
    await feed(talk, 'frontend', copyData(filler).bytes, [70]);
    expect(talk.end).to.include({ sqlstate: '58000' });
  });

  it('that takes too long over a piece loses the rest and is told so', async () => {
    const talk = newTalk();
    talk.owner.timeout = 20;
    let error: unknown;
    reading(talk, async (from) => {
      const pieces = from[Symbol.asyncIterator]();
      await pieces.next();
      await until(() => talk.owner.errors.length > 0);
      error = await pieces.next().catch((thrown: unknown) => thrown);
    });
    await feed(talk, 'frontend', copyData(filler).bytes, [70]);
    expect(talk.serverGot).to.deep.equal(['CopyData']);
    await until(() => error !== undefined);
    expect(error).to.have.property('code', 'PAYLOAD_CUT_SHORT');
    expect(talk.owner.errors).to.have.lengthOf(1);
    expect(talk.owner.errors[0]).to.have.property('code', 'HOOK_TIMEOUT');
  });

  it('is told when the client leaves in the middle, and that is no failure', async () => {
    const talk = newTalk();
    let error: unknown;
    let cleared = false;
    reading(talk, async (from) => {
      try {
        await read(from);
      } catch (thrown) {
        error = thrown;
        throw thrown;
      } finally {
        cleared = true;
      }
    });
    await feed(talk, 'frontend', copyData(filler).bytes.subarray(0, 150), [70]);
    expect(cleared).to.equal(false);
    talk.conversation.close();
    await until(() => cleared);
    expect(error).to.have.property('code', 'PAYLOAD_CUT_SHORT');
    expect(talk.owner.errors).to.deep.equal([]);
  });

  it('does not let an answer of a plugin get into the middle of a message', async () => {
    const talk = newTalk();
    talk.hooks.trafficFromServer.tap(large, (batch) => batch.large?.read(async (from) => void (await read(from))));
    talk.hooks.trafficFromClient.tap('answer', (batch) => batch.reply({ columns: ['a'], rows: [] }));
    const { bytes } = noticeResponse({ sqlstate: '00000', message: filler });
    await feed(talk, 'backend', bytes.subarray(0, 100));
    talk.client(query('x'));
    expect(Buffer.concat(talk.toClient).equals(bytes.subarray(0, 100))).to.equal(true);
    await feed(talk, 'backend', bytes.subarray(100));
    expect(talk.clientGot).to.deep.equal(['NoticeResponse', 'RowDescription a', 'CommandComplete SELECT 0']);
  });
});
