import { expect } from 'chai';
import { GatewayDError } from '../../lib/errors.ts';
import type { Batch, FromClient, FromServer } from '../../lib/hooks/payloads.ts';
import { messages, type Message } from '../../lib/protocol/messages.ts';
import { Talk } from '../support/talk.ts';

const { bind, commandComplete, execute, parse, query, sync } = messages;
const ready = messages.readyForQuery;
const names = (batch: Batch): string[] => [...batch.messages].map(({ name }) => name);
const turn = (): Promise<void> => new Promise(setImmediate);

describe('a batch in the hands of a tap', () => {
  let talk: Talk;

  beforeEach(() => (talk = new Talk()));

  /** A tap of a plugin. */
  const tap = (call: (batch: FromClient) => void): void =>
    talk.hooks.trafficFromClient.tap('tap', (batch) => call(batch));
  const onlyError = (): unknown => {
    expect(talk.owner.errors).to.have.lengthOf(1);
    return talk.owner.errors[0];
  };

  it('has the messages and the query of the batch, and no second one', () => {
    const seen: unknown[] = [];
    tap((batch) => seen.push(names(batch), batch.query, batch.session.id));
    talk.client(query('a'), parse({ sql: 'b' }));
    talk.client(bind(), execute(), parse({ sql: 'c' }));
    talk.client(sync());
    expect(seen).to.deep.equal([
      ['Query'],
      'a',
      'spec',
      ['Parse'],
      'b',
      'spec',
      ['Bind', 'Execute'],
      null,
      'spec',
      ['Parse'],
      'c',
      'spec',
      ['Sync'],
      null,
      'spec',
    ]);
  });

  it('is passed on as the very bytes that came when nothing is changed', () => {
    tap((batch) => void names(batch));
    talk.hooks.trafficFromServer.tap('tap', (batch) => batch.mapRows((row) => row));
    const sent = query('select 1').bytes;
    talk.feed('frontend', sent);
    expect(talk.toServer).to.have.lengthOf(1);
    expect(talk.toServer[0]?.buffer).to.equal(sent.buffer);
    const answer = Buffer.concat(
      [messages.rowDescription([{ name: 'a' }]), messages.dataRow(['1']), commandComplete('SELECT 1'), ready('I')].map(
        ({ bytes }) => bytes,
      ),
    );
    talk.feed('backend', answer);
    expect(talk.toClient).to.deep.equal([answer]);
    expect(talk.toClient[0]?.buffer).to.equal(answer.buffer);
  });

  it('shows later taps what earlier ones changed', () => {
    tap((batch) => batch.replaceQuery('b'));
    tap((batch) => batch.replaceQuery(`${batch.query}, c`));
    talk.client(query('a'), query('z'));
    expect(talk.serverGot).to.deep.equal(['Query b, c', 'Query b, c']);
  });

  it('keeps name and parameter types of a Parse whose query is replaced', () => {
    tap((batch) => batch.replaceQuery('é'));
    talk.client(parse({ statement: 's', sql: 'a', parameterTypes: [23, 25] }), bind({ statement: 's' }));
    expect(Buffer.concat(talk.toServer)).to.deep.equal(
      Buffer.concat([
        parse({ statement: 's', sql: 'é', parameterTypes: [23, 25] }).bytes,
        bind({ statement: 's' }).bytes,
      ]),
    );
  });

  it('has no query to replace where there is none', () => {
    tap((batch) => batch.replaceQuery('b'));
    talk.client(sync());
    expect(onlyError()).to.be.instanceOf(GatewayDError).with.property('code', 'PAYLOAD_NO_QUERY');
    expect(talk.serverGot).to.deep.equal(['Sync']);
  });

  it('lets messages be replaced by none, one or several, and dropped while they are gone through', () => {
    tap((batch) => {
      for (const message of batch.messages) {
        if (message.name !== 'Query') continue;
        if (message.sql === 'none') batch.drop(message);
        else if (message.sql === 'one') batch.replace(message, query('1'));
        else if (message.sql === 'two') batch.replace(message, [parse({ sql: '2' }), bind(), execute(), sync()]);
      }
    });
    talk.client(...['none', 'same', 'one', 'none', 'two', 'same'].map((sql) => query(sql)));
    expect(talk.serverGot).to.deep.equal(['Query same', 'Query 1', 'Parse 2', 'Bind', 'Execute', 'Sync', 'Query same']);
    talk.client(query('none'));
    expect(talk.toServer).to.be.empty;
  });

  it('lets nobody answer one question of the client with two ReadyForQuery', () => {
    tap((batch) => {
      for (const message of batch.messages) batch.replace(message, [query('2'), query('3')]);
    });
    talk.client(query('1'));
    expect(onlyError()).to.be.instanceOf(GatewayDError).with.property('code', 'PAYLOAD_TOO_MANY_ANSWERS');
    expect(talk.serverGot).to.deep.equal(['Query 1']);
  });

  it('lets nobody put a Sync in where there was none', () => {
    tap((batch) => {
      for (const message of batch.messages) if (message.name === 'Parse') batch.replace(message, [message, sync()]);
    });
    talk.client(parse({ sql: '1' }), sync());
    expect(onlyError()).to.have.property('code', 'PAYLOAD_TOO_MANY_ANSWERS');
    expect(talk.serverGot).to.deep.equal(['Parse 1', 'Sync']);
  });

  it('lets a message that was put in be replaced in turn', () => {
    tap((batch) => {
      const [message] = batch.messages;
      const first = query('b');
      batch.replace(message!, first);
      batch.replace(first, query('c'));
      expect(() => batch.drop(message!))
        .to.throw(GatewayDError)
        .with.property('code', 'PAYLOAD_UNKNOWN_MESSAGE');
    });
    talk.client(query('a'));
    expect(talk.owner.errors).to.be.empty;
    expect(talk.serverGot).to.deep.equal(['Query c']);
  });

  it('takes only messages that this side sends', () => {
    tap((batch) => {
      const [message] = batch.messages;
      const lookalikes = [new Proxy(message!, {}), Object.create(Object.getPrototypeOf(message) as object) as object];
      for (const wrong of [ready('I'), { ...message }, null, ...lookalikes]) {
        expect(() => batch.replace(message!, wrong as Message))
          .to.throw(GatewayDError)
          .with.property('code', 'PAYLOAD_WRONG_MESSAGE');
      }
    });
    talk.client(query('a'));
    expect(talk.owner.errors).to.be.empty;
    expect(talk.serverGot).to.deep.equal(['Query a']);
  });

  it('takes a message that was kept from an earlier batch only while that can be read', () => {
    let kept: Message | undefined;
    tap((batch) => {
      const [message] = batch.messages;
      if (kept === undefined) kept = message;
      else batch.replace(message!, kept);
    });
    talk.client(query('a'));
    talk.client(query('b'));
    expect(onlyError()).to.have.property('code', 'PAYLOAD_EXPIRED');
    expect(talk.serverGot).to.deep.equal(['Query a', 'Query b']);
  });

  it('takes back what a tap changed that failed, and keeps what others changed', () => {
    tap((batch) => batch.replaceQuery('b'));
    tap((batch) => {
      batch.replaceQuery('broken');
      throw new Error('broken');
    });
    tap((batch) => batch.replaceQuery(`${batch.query}, c`));
    talk.client(query('a'));
    expect(onlyError()).to.have.property('message', 'broken');
    expect(talk.serverGot).to.deep.equal(['Query b, c']);
  });

  it('ends its session, and no other, where it was given a message of a batch elsewhere that is over by then', async () => {
    const elsewhere = new Talk();
    let borrowed: Message | undefined;
    let over: (() => void) | undefined;
    let settle: (() => void) | undefined;
    elsewhere.hooks.trafficFromClient.tapPromise('lends', (batch) => {
      [borrowed] = batch.messages;
      return new Promise<undefined>((resolve) => (over = () => resolve(undefined)));
    });
    talk.hooks.trafficFromClient.tapPromise('borrows', (batch) => {
      const [own] = batch.messages;
      batch.replace(own!, borrowed!);
      return new Promise<undefined>((resolve) => (settle = () => resolve(undefined)));
    });
    elsewhere.client(query('a'));
    talk.client(query('b'));
    over?.();
    while (elsewhere.toServer.length === 0) await turn();
    settle?.();
    while (talk.end === undefined) await turn();
    expect(talk.end.message).to.contain('was used after the tap');
    expect(elsewhere.serverGot).to.deep.equal(['Query a']);
    expect(elsewhere.end).to.equal(undefined);
  });

  it('expires with the tap', () => {
    const kept: FromClient[] = [];
    tap((batch) => void kept.push(batch));
    talk.client(query('a'));
    const uses: ((batch: FromClient) => unknown)[] = [
      (batch) => batch.messages,
      (batch) => batch.query,
      (batch) => batch.replaceQuery('b'),
      (batch) => batch.drop(query('a')),
      (batch) => batch.replace(query('a'), []),
      (batch) => batch.reply({ columns: [], rows: [] }),
      (batch) => batch.refuse('42501', 'no'),
      (batch) => batch.terminate('42501', 'no'),
    ];
    for (const use of uses) {
      expect(() => use(kept[0]!))
        .to.throw(GatewayDError)
        .with.property('code', 'PAYLOAD_EXPIRED');
    }
  });

  it('of an asynchronous tap is a copy: the buffer it came in can be used again', async () => {
    const kept: unknown[] = [];
    talk.hooks.trafficFromClient.tapPromise('slow', async (batch) => {
      await turn();
      kept.push(batch.query, ...names(batch));
    });
    const { bytes } = query('select 1');
    let done = talk.feed('frontend', bytes);
    expect(done).to.be.false;
    bytes.fill(0);
    done = talk.server(ready('T'));
    expect(done).to.be.true;
    expect(talk.clientGot).to.deep.equal(['ReadyForQuery T']);
    await turn();
    await turn();
    expect(kept).to.deep.equal(['select 1', 'Query']);
    expect(talk.serverGot).to.deep.equal(['Query select 1']);
  });

  it('is dropped when the connection went while a tap waited', async () => {
    talk.hooks.trafficFromClient.tapPromise('slow', () => turn());
    talk.client(query('a'));
    talk.conversation.close();
    await turn();
    await turn();
    expect(talk.toServer).to.be.empty;
  });

  it('goes on unchanged when an asynchronous tap takes too long', async () => {
    talk.owner.timeout = 1;
    let late: FromClient | undefined;
    talk.hooks.trafficFromClient.tapPromise('never', async (batch) => {
      late = batch;
      batch.replaceQuery('b');
      await new Promise(() => {});
    });
    talk.client(query('a'));
    while (talk.toServer.length === 0) await turn();
    expect(talk.serverGot).to.deep.equal(['Query a']);
    expect(() => late?.replaceQuery('c'))
      .to.throw(GatewayDError)
      .with.property('code', 'PAYLOAD_EXPIRED');
  });

  it('of the database keeps local answers behind it while an asynchronous tap has it', async () => {
    talk.hooks.trafficFromClient.tap('local', (batch) =>
      batch.query === 'local' ? batch.reply({ columns: [], rows: [], command: 'LOCAL' }) : undefined,
    );
    talk.hooks.trafficFromServer.tapPromise('slow', () => turn());
    talk.client(query('a'));
    talk.server(commandComplete('A'), ready('I'));
    talk.client(query('local'));
    expect(talk.clientGot).to.be.empty;
    while (talk.toClient.length === 0) await turn();
    talk.server(ready('I'));
    while (!talk.conversation.idle) await turn();
    expect(talk.clientGot).to.deep.equal([
      'CommandComplete A',
      'ReadyForQuery I',
      'CommandComplete LOCAL',
      'ReadyForQuery I',
    ]);
  });
});

describe('what was sent', () => {
  it('is shown to observers as it went, local answers and all, after it went', () => {
    const talk = new Talk();
    const seen: string[] = [];
    talk.hooks.traffic.tap('look', ({ id }) => void seen.push(`traffic ${id}`));
    talk.hooks.trafficFromClient.tap('change', (batch) => {
      seen.push('from client');
      if (batch.query === 'local') return batch.reply({ columns: [], rows: [], command: 'LOCAL' });
      if (batch.query === 'a') batch.replaceQuery('b');
      return undefined;
    });
    talk.hooks.trafficToServer.tap('look', (batch) => {
      expect(talk.toServer).not.to.be.empty;
      seen.push(`to server ${names(batch).join()}`);
    });
    talk.hooks.trafficToClient.tap('look', (batch) => void seen.push(`to client ${names(batch).join()}`));
    talk.client(query('a'));
    talk.client(query('local'));
    talk.server(commandComplete('A'), ready('I'), ready('I'));
    expect(talk.owner.errors).to.be.empty;
    expect(seen).to.deep.equal([
      'traffic spec',
      'from client',
      'to server Query',
      'traffic spec',
      'from client',
      'to server Sync',
      'to client CommandComplete,ReadyForQuery',
      'to client CommandComplete',
      'to client ReadyForQuery',
    ]);
    expect(talk.serverGot).to.deep.equal(['Query b', 'Sync']);
  });

  it('is not waited for, stays readable as long as an observer waits, and then expires', async () => {
    const talk = new Talk();
    const read: string[] = [];
    let kept: FromServer['messages'] | undefined;
    talk.hooks.trafficToServer.tapPromise('slow', async (batch) => {
      kept = batch.messages;
      await turn();
      for (const message of kept) if (message.name === 'Query') read.push(message.sql);
    });
    const { bytes } = query('a');
    expect(talk.feed('frontend', bytes)).to.be.true;
    expect(talk.serverGot).to.deep.equal(['Query a']);
    bytes.fill(0);
    await turn();
    await turn();
    expect(read).to.deep.equal(['a']);
    expect(() => [...kept!].map(({ bytes: copy }) => copy))
      .to.throw(GatewayDError)
      .with.property('code', 'PAYLOAD_EXPIRED');
  });
});
