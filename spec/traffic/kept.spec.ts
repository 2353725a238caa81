import { expect } from 'chai';
import * as fc from 'fast-check';
import type { Batch } from '../../lib/hooks/payloads.ts';
import { messages, type Message } from '../../lib/protocol/messages.ts';
import type { Relayed } from '../../lib/traffic/relayed.ts';
import { Talk, wire } from '../support/talk.ts';

const { bind, commandComplete, dataRow, execute, parse, query, readyForQuery, rowDescription, sync } = messages;

/** What a tap took while it ran, and what it kept. */
interface Kept {
  readonly batch: Batch;
  readonly list: Iterable<Message>;
  readonly messages: readonly Message[];
  readonly names: readonly string[];
  readonly bytes: readonly Buffer[];
  readonly asTheyWere: string;
}

/** A conversation whose sockets read into one buffer that is used again. */
class BorrowedTalk extends Talk {
  readonly #socketBuffer = Buffer.alloc(4096);

  /** What the other side has when the chunk has been dealt with: it is copied before the buffer is used again. */
  pass(from: 'client' | 'server', bytes: Buffer): string {
    const chunk = this.#socketBuffer.subarray(0, bytes.length);
    bytes.copy(chunk);
    let sent = '';
    const done = ({ toServer, toClient }: Relayed): void => {
      sent = Buffer.concat([...(from === 'client' ? toServer : toClient)]).toString('hex');
    };
    const asItCame =
      from === 'client'
        ? this.conversation.fromClient(chunk, done, true)
        : this.conversation.fromServer(chunk, done, true);
    if (asItCame) sent = chunk.toString('hex');
    this.#socketBuffer.fill(0xff);
    return sent;
  }
}

function keepAll(talk: Talk): Kept[] {
  const kept: Kept[] = [];
  const keep = (batch: Batch): void => {
    const list = batch.messages;
    const all = [...list];
    const bytes = all.map((message) => message.bytes);
    const names = all.map(({ name }) => name);
    kept.push({ batch, list, messages: all, names, bytes, asTheyWere: Buffer.concat(bytes).toString('hex') });
  };
  talk.hooks.trafficFromClient.tap('keeps', keep);
  talk.hooks.trafficFromServer.tap('keeps', keep);
  return kept;
}

function codeOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

const exchange = fc.record({
  sql: fc.string({ maxLength: 40 }).map((text) => text.replaceAll('\0', '')),
  statement: fc.constantFrom('', 'P_0'),
  value: fc.string({ maxLength: 20 }),
});

describe('what a tap keeps of a batch when the socket’s buffer is used again', () => {
  it('is its own bytes, which stay, and messages that say they have expired; both sides got what was sent', () => {
    fc.assert(
      fc.property(fc.array(exchange, { minLength: 1, maxLength: 5 }), (exchanges) => {
        const talk = new BorrowedTalk();
        const kept = keepAll(talk);
        for (const { sql, statement, value } of exchanges) {
          const asked = wire(parse({ sql, statement }), bind({ statement }), messages.describe('P'), execute(), sync());
          const answered = wire(
            messages.parseComplete(),
            messages.bindComplete(),
            rowDescription([{ name: 'a' }]),
            dataRow([value]),
            commandComplete('SELECT 1'),
            readyForQuery('I'),
          );
          const simple = wire(query(sql));
          const rows = wire(rowDescription([{ name: 'a' }]), commandComplete('SELECT 0'), readyForQuery('I'));
          expect(talk.pass('client', asked)).to.equal(asked.toString('hex'));
          expect(talk.pass('server', answered)).to.equal(answered.toString('hex'));
          expect(talk.pass('client', simple)).to.equal(simple.toString('hex'));
          expect(talk.pass('server', rows)).to.equal(rows.toString('hex'));
          expect(talk.conversation.idle).to.equal(true);
        }
        expect(kept).to.have.lengthOf(4 * exchanges.length);
        for (const { batch, list, messages: all, names, bytes, asTheyWere } of kept) {
          expect(Buffer.concat(bytes).toString('hex')).to.equal(asTheyWere);
          expect(codeOf(() => batch.messages)).to.equal('PAYLOAD_EXPIRED');
          expect([...list].map(({ name }) => name)).to.deep.equal(names);
          for (const message of all) expect(codeOf(() => message.bytes)).to.equal('PAYLOAD_EXPIRED');
        }
      }),
      { numRuns: 30 },
    );
  });

  it('is what it waited with, as it came, where it takes its time', async () => {
    const talk = new BorrowedTalk();
    const seen: string[] = [];
    talk.hooks.trafficFromClient.tapPromise('waits', async (batch) => {
      await new Promise(setImmediate);
      for (const message of batch.messages) seen.push(message.bytes.toString('hex'));
    });
    const asked = wire(bind({ statement: 'P_0' }), messages.describe('P'), execute(), sync());
    talk.pass('client', asked);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(seen.join('')).to.equal(asked.toString('hex'));
  });

  it('is nothing where it looked at nothing: the batch has expired all the same', () => {
    const talk = new BorrowedTalk();
    let kept: Batch | undefined;
    talk.hooks.trafficFromClient.tap('passes', (batch) => {
      kept = batch;
    });
    talk.pass('client', wire(query('select')));
    expect(codeOf(() => kept?.messages)).to.equal('PAYLOAD_EXPIRED');
  });
});
