import { expect } from 'chai';
import * as fc from 'fast-check';
import type { Batch, FromClient, FromServer } from '../../lib/hooks/payloads.ts';
import { messages } from '../../lib/protocol/messages.ts';
import { Talk } from '../support/talk.ts';

const { bind, commandComplete, copyData, dataRow, execute, parse, query, rowDescription, sync } = messages;

/** What the client sends and what the database answers; random in everything a plugin can get hold of. */
const exchange = fc.record({
  sql: fc.string({ maxLength: 40 }).map((text) => text.replaceAll('\0', '')),
  parameters: fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 3 }),
  rows: fc.array(fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.option(fc.uint8Array({ maxLength: 20 }))), {
    maxLength: 4,
  }),
  copied: fc.uint8Array({ maxLength: 40 }),
  change: fc.boolean(),
  wait: fc.boolean(),
});
type Exchange = typeof exchange extends fc.Arbitrary<infer E> ? E : never;

const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes);

/** Runs the exchange through a tap each way; gives what either side got in the end. */
async function run(given: Exchange, hold: (value: unknown) => void): Promise<readonly string[]> {
  const talk = new Talk();
  const look = async (batch: Batch, held: unknown): Promise<void> => {
    hold(held);
    for (const message of batch.messages) hold(message);
    if (given.wait) await new Promise(setImmediate);
  };
  talk.hooks.trafficFromClient.tap('holds', (batch: FromClient) => {
    if (given.change && batch.query !== null) batch.replaceQuery(`${batch.query} -- changed`);
    const looked = look(batch, batch);
    return given.wait ? (looked as never) : undefined;
  });
  talk.hooks.trafficFromServer.tap('holds', (batch: FromServer) => {
    batch.mapRows((row) => {
      hold(row.get('name'));
      if (given.change) {
        const value = Buffer.from('changed');
        row.set('name', value);
        hold(value);
      }
      hold(row);
      return row;
    });
    const looked = look(batch, batch);
    return given.wait ? (looked as never) : undefined;
  });
  const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
  talk.client(query(given.sql));
  await turn();
  talk.server(rowDescription([{ name: 'name' }, { name: 'other' }]));
  await turn();
  talk.server(...given.rows.map(([name, other]) => dataRow([buffer(name), other === null ? null : buffer(other)])));
  await turn();
  talk.server(commandComplete('SELECT'), messages.readyForQuery('I'));
  await turn();
  talk.client(parse({ sql: given.sql }), bind({ parameters: given.parameters.map(buffer) }), execute(), sync());
  await turn();
  talk.client(copyData(buffer(given.copied)));
  await turn();
  hold(null);
  return [Buffer.concat(talk.toServer).toString('hex'), Buffer.concat(talk.toClient).toString('hex')];
}

/** Does to a thing, and to all that can be reached from it, what would change the traffic if anything could. */
function spoil(value: unknown, depth = 0): void {
  if (value === null || typeof value !== 'object' || depth > 4) return;
  if (ArrayBuffer.isView(value)) {
    Buffer.from(value.buffer, value.byteOffset, value.byteLength).fill(0xff);
    return;
  }
  const { replaceQuery, replace, drop, mapRows, set } = value as Record<string, unknown>;
  const attempts: readonly unknown[] = [replaceQuery, replace, drop, mapRows, set];
  for (const attempt of attempts) {
    if (typeof attempt === 'function') attemptTo(() => void attempt.call(value, 'name', () => null));
  }
  for (const key of [
    ...Object.keys(value),
    ...Object.keys(Object.getPrototypeOf(value) as object),
    'messages',
    'bytes',
  ]) {
    // The specs share one.
    if (key === 'session') continue;
    attemptTo(() => spoil((value as Record<string, unknown>)[key], depth + 1));
    attemptTo(() => Object.assign(value, { [key]: 'spoilt' }));
  }
  if (Symbol.iterator in value)
    attemptTo(() => [...(value as Iterable<unknown>)].forEach((one) => spoil(one, depth + 1)));
}

/** Most of it throws, having expired. */
function attemptTo(act: () => void): void {
  try {
    act();
  } catch {
    // That is what is hoped for.
  }
}

describe('what a plugin holds on to', () => {
  it('changes nothing of the traffic, whatever is done to it once the tap has returned', async () => {
    await fc.assert(
      fc.asyncProperty(exchange, async (given) => {
        const expected = await run(given, () => {});
        const held: unknown[] = [];
        const got = await run(given, (value) => {
          // What an earlier tap got is spoilt while later messages are on their way.
          for (const one of held.splice(0)) spoil(one);
          if (value !== null) setImmediate(() => held.push(value));
        });
        expect(got).to.deep.equal(expected);
      }),
      { numRuns: 25 },
    );
  });
});
