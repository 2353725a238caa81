import { expect } from 'chai';
import { GatewayDError } from '../../lib/errors.ts';
import type { Row } from '../../lib/hooks/payloads.ts';
import { messages } from '../../lib/protocol/messages.ts';
import { Talk } from '../support/talk.ts';

const {
  bind,
  commandComplete,
  dataRow,
  describe: describeMessage,
  execute,
  parse,
  query,
  rowDescription,
  sync,
} = messages;
const ready = messages.readyForQuery;
const people = rowDescription([{ name: 'name' }, { name: 'ssn' }]);

describe('rows', () => {
  let talk: Talk;
  let seen: string[];

  beforeEach(() => {
    talk = new Talk();
    seen = [];
  });

  /** Masks the column `ssn` and leaves out rows whose first value is `gone`. */
  const mask = (): void => {
    talk.hooks.trafficFromServer.tap('mask', (batch) =>
      batch.mapRows((row) => {
        seen.push(row.columns.map(({ name, format }) => `${name}:${format}`).join());
        if (row.text(0) === 'gone') return null;
        if (row.columns.some(({ name }) => name === 'ssn')) row.set('ssn', '***');
        return row;
      }),
    );
  };

  it('are changed and left out by their columns; the command tag stays', () => {
    mask();
    talk.client(query('select'));
    talk.server(
      people,
      dataRow(['ann', '1']),
      dataRow(['gone', '2']),
      dataRow([null, null]),
      commandComplete('SELECT 3'),
      ready('I'),
    );
    expect(talk.clientGot).to.deep.equal([
      'RowDescription name,ssn',
      'DataRow ann,***',
      'DataRow null,***',
      'CommandComplete SELECT 3',
      'ReadyForQuery I',
    ]);
  });

  it('have the RowDescription that came in an earlier batch', () => {
    mask();
    talk.client(query('select'));
    for (const message of [people, dataRow(['ann', '1']), dataRow(['bob', '2'])]) talk.server(message);
    expect(talk.clientGot).to.deep.equal(['RowDescription name,ssn', 'DataRow ann,***', 'DataRow bob,***']);
  });

  it('have the RowDescription of their own statement in a query of several', () => {
    mask();
    talk.client(query('select; select'));
    talk.server(
      people,
      dataRow(['ann', '1']),
      commandComplete('a'),
      rowDescription([{ name: 'x' }]),
      dataRow(['1']),
      commandComplete('b'),
      ready('I'),
    );
    expect(talk.clientGot).to.include.members(['DataRow ann,***', 'DataRow 1']);
    expect(seen).to.deep.equal(['name:text,ssn:text', 'x:text']);
  });

  it('of a portal the client described need no further question', () => {
    mask();
    talk.client(parse({ sql: 's' }), bind(), describeMessage('P'), execute(), sync());
    expect(talk.serverGot).to.deep.equal(['Parse s', 'Bind', 'Describe P', 'Execute', 'Sync']);
    talk.server(
      messages.parseComplete(),
      messages.bindComplete(),
      people,
      dataRow(['ann', '1']),
      commandComplete('a'),
      ready('I'),
    );
    expect(talk.clientGot).to.include('DataRow ann,***');
  });

  it('of a statement the client described once and executes again are described behind its back', () => {
    mask();
    const binary = rowDescription([
      { name: 'name', format: 'binary' },
      { name: 'ssn', format: 'binary' },
    ]);
    for (let time = 0; time < 2; time++) {
      talk.client(bind({ statement: 's', resultFormats: ['binary'] }), execute(), sync());
      expect(talk.serverGot).to.deep.equal(['Bind', 'Describe P', 'Execute', 'Sync']);
      talk.server(messages.bindComplete(), binary, dataRow(['ann', '1']), commandComplete('a'), ready('I'));
      expect(talk.clientGot).to.deep.equal(['BindComplete', 'DataRow ann,***', 'CommandComplete a', 'ReadyForQuery I']);
    }
    expect(seen).to.deep.equal(['name:binary,ssn:binary', 'name:binary,ssn:binary']);
  });

  it('of a portal are described anew when anything else ran since, for its name may stand for another query now', () => {
    mask();
    talk.client(bind({ portal: 'p' }), describeMessage('P', 'p'), execute('p', 1), execute('p', 1), sync());
    expect(talk.serverGot).to.deep.equal(['Bind', 'Describe Pp', 'Execute', 'Execute', 'Sync']);
    talk.client(query('close p; declare p cursor for select'), execute('p'), execute('q'), execute('p'), sync());
    expect(talk.serverGot.slice(1)).to.deep.equal([
      'Describe Pp',
      'Execute',
      'Describe Pq',
      'Execute',
      'Describe Pp',
      'Execute',
      'Sync',
    ]);
  });

  it('of a portal whose Describe was skipped after an error are described when it is executed', () => {
    mask();
    talk.client(bind(), describeMessage('P'), sync());
    talk.server(messages.errorResponse({ sqlstate: '26000', message: 'no' }), ready('T'));
    talk.client(execute(), sync());
    expect(talk.serverGot.slice(3)).to.deep.equal(['Describe P', 'Execute', 'Sync']);
  });

  it('are not asked about where nobody reads rows', () => {
    talk.hooks.trafficToClient.tap('look', () => undefined);
    talk.client(bind(), execute(), sync());
    expect(talk.serverGot).to.deep.equal(['Bind', 'Execute', 'Sync']);
  });

  it('that nobody described cannot be mapped, so that a guard is not passed by', () => {
    mask();
    talk.server(dataRow(['ann', '1']));
    expect(talk.owner.errors).to.have.lengthOf(1);
    expect(talk.owner.errors[0]).to.be.instanceOf(GatewayDError).with.property('code', 'PAYLOAD_NO_ROW_DESCRIPTION');
  });

  it('with another number of values than columns cannot be mapped either', () => {
    mask();
    talk.client(query('select'));
    talk.server(people, dataRow(['ann']));
    expect(talk.owner.errors[0]).to.have.property('code', 'PAYLOAD_NO_ROW_DESCRIPTION');
  });

  it('give copies of their values, by number and by name, and what was set', () => {
    let kept: Row | undefined;
    talk.hooks.trafficFromServer.tap('read', (batch) =>
      batch.mapRows((row) => {
        kept = row;
        row.get('name')?.fill(0);
        expect(row.get(0)?.toString()).to.equal('ann');
        expect(row.text('ssn')).to.equal('é');
        expect([row.get(2), row.text(2)]).to.deep.equal([null, null]);
        expect(row.text(0)).to.equal('ann');
        const value = Buffer.from('new');
        row.set(2, value);
        value.fill(0);
        row.get(2)?.fill(0);
        expect(row.text(2)).to.equal('new');
        row.set('ssn', null);
        expect(row.get('ssn')).to.be.null;
        for (const column of [3, -1, 0.5, 'NAME']) {
          expect(() => row.get(column))
            .to.throw(GatewayDError)
            .with.property('code', 'PAYLOAD_NO_COLUMN');
        }
        return row;
      }),
    );
    talk.client(query('select'));
    talk.server(rowDescription([{ name: 'name' }, { name: 'ssn' }, { name: 'x' }]), dataRow(['ann', 'é', null]));
    expect(talk.owner.errors).to.be.empty;
    expect(talk.clientGot).to.include('DataRow ann,null,new');
    expect(() => kept?.text(0))
      .to.throw(GatewayDError)
      .with.property('code', 'PAYLOAD_EXPIRED');
  });

  it('cannot be set once they were returned', async () => {
    talk.hooks.trafficFromServer.tapPromise('late', async (batch) => {
      const kept: Row[] = [];
      batch.mapRows((row) => {
        kept.push(row);
        return row;
      });
      await Promise.resolve();
      expect(kept[0]?.text(0)).to.equal('ann');
      expect(() => kept[0]?.set(0, 'bob'))
        .to.throw(GatewayDError)
        .with.property('code', 'PAYLOAD_EXPIRED');
    });
    talk.client(query('select'));
    talk.server(people, dataRow(['ann', '1']));
    await new Promise(setImmediate);
    expect(talk.owner.errors).to.be.empty;
    expect(talk.clientGot).to.include('DataRow ann,1');
  });

  it('are left as they are when the function returns something else', () => {
    talk.hooks.trafficFromServer.tap('forgot', (batch) => batch.mapRows((row) => row.set(0, 'x') as unknown as Row));
    talk.client(query('select'));
    talk.server(people, dataRow(['ann', '1']));
    expect(talk.owner.errors[0]).to.have.property('code', 'PAYLOAD_BAD_ROW');
    expect(talk.clientGot).to.include('DataRow ann,1');
  });

  it('pass through several plugins, each of which sees what the one before left', () => {
    mask();
    talk.hooks.trafficFromServer.tap('more', (batch) =>
      batch.mapRows((row) => {
        row.set('name', `${row.text('name')} ${row.text('ssn')}`);
        return row;
      }),
    );
    talk.client(query('select'));
    talk.server(people, ...Array.from({ length: 50 }, (_, n) => dataRow([n % 2 === 0 ? 'gone' : `n${n}`, '1'])));
    expect(talk.clientGot.slice(1, 3)).to.deep.equal(['DataRow n1 ***,***', 'DataRow n3 ***,***']);
  });
});
