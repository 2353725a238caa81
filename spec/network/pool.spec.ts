import { expect } from 'chai';
import * as fc from 'fast-check';
import { Places } from '../../lib/network/places.ts';
import { Pool, type Slot } from '../../lib/network/pool.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { caught } from '../support/caught.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { message, query, startup, WireClient } from '../support/wire-client.ts';

const forever = new AbortController().signal;

describe('a pool', () => {
  const options = { name: 'default.writes', size: 1, queueSize: 1000, acquireTimeout: 0 };

  it('gives a slot back once, however often it is released', async () => {
    const pool = new Pool({ ...options, size: 2 });
    const first = await pool.acquire(forever);
    first.release();
    first.release();
    expect(pool.used).to.equal(0);
    {
      using slot = await pool.acquire(forever);
      expect([slot, pool.used]).to.deep.equal([slot, 1]);
    }
    expect(pool.used).to.equal(0);
  });

  it('refuses at once when the queue is full, naming itself, its size and the keys to raise', async () => {
    const pool = new Pool({ ...options, queueSize: 0 });
    await pool.acquire(forever);
    const error = await caught(pool.acquire(forever));
    expect(error).to.include({ code: 'NETWORK_POOL_QUEUE_FULL', sqlstate: '53300' });
    expect(error.message)
      .to.contain('all 1 connections of pool default.writes')
      .and.contain('pools.default.writes.size');
  });

  it('gives up after acquireTimeout, and leaves the queue', async () => {
    const pool = new Pool({ ...options, acquireTimeout: 5 });
    await pool.acquire(forever);
    expect(await caught(pool.acquire(forever))).to.include({ code: 'NETWORK_POOL_TIMEOUT', sqlstate: '53300' });
    expect(pool.waiting).to.equal(0);
  });

  it('lets one that is aborted leave the queue, with the reason', async () => {
    const pool = new Pool(options);
    const slot = await pool.acquire(forever);
    const abort = new AbortController();
    const waiting = pool.acquire(abort.signal);
    const behind = pool.acquire(forever);
    abort.abort(new Error('gone'));
    expect(await caught(waiting)).to.include({ message: 'gone' });
    expect(await caught(pool.acquire(abort.signal))).to.include({ message: 'gone' });
    slot.release();
    await behind;
    expect(pool).to.include({ used: 1, waiting: 0 });
  });

  it('serves in the order of asking and never gives out more than its size, whatever happens meanwhile', async () => {
    const step = fc.oneof(
      fc.constant('acquire' as const),
      fc.record({ release: fc.nat() }),
      fc.record({ abort: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), async (size, steps) => {
        const pool = new Pool({ ...options, size });
        const held: Slot[] = [];
        const waiting = new Map<number, AbortController>();
        const served: number[] = [];
        let asked = 0;
        for (const next of steps) {
          if (next === 'acquire') {
            const id = asked++;
            const abort = new AbortController();
            waiting.set(id, abort);
            pool.acquire(abort.signal).then(
              (slot) => {
                served.push(id);
                waiting.delete(id);
                held.push(slot);
              },
              () => waiting.delete(id),
            );
          } else if ('release' in next) {
            held.splice(next.release % (held.length || 1), 1)[0]?.release();
          } else {
            [...waiting.values()][next.abort % (waiting.size || 1)]?.abort(new Error('gone'));
          }
          await new Promise((resolve) => setImmediate(resolve));
          expect(held.length).to.equal(pool.used).and.to.be.at.most(size);
          expect(pool.waiting).to.equal(waiting.size);
          expect(waiting.size === 0 || held.length === size).to.equal(true);
        }
        expect(served).to.deep.equal([...served].sort((a, b) => a - b));
      }),
      { numRuns: 40 },
    );
  });
});

describe('a pool that takes the place of another', () => {
  it('counts what sessions of before hold, and all that wait in either are served', async () => {
    const options = { name: 'default.writes', queueSize: 1000, acquireTimeout: 0 };
    const step = fc.oneof(
      fc.record({ acquire: fc.boolean() }),
      fc.record({ release: fc.nat() }),
      fc.record({ allow: fc.integer({ min: 1, max: 4 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        let most = 3;
        const places = new Places(most);
        const [before, now] = [new Pool({ ...options, size: 3, places }), new Pool({ ...options, size: 2, places })];
        const held: Slot[] = [];
        for (const next of steps) {
          const earlier = held.length;
          if ('acquire' in next) void (next.acquire ? before : now).acquire(forever).then((slot) => held.push(slot));
          else if ('allow' in next) places.allow((most = next.allow));
          else held.splice(next.release % (held.length || 1), 1)[0]?.release();
          await new Promise((resolve) => setImmediate(resolve));
          expect(held.length).to.equal(places.taken).and.to.be.at.most(Math.max(most, earlier));
          expect(before.waiting + now.waiting === 0 || places.taken >= most).to.equal(true);
        }
        for (let slot = held.pop(); slot !== undefined; slot = held.pop()) {
          slot.release();
          await new Promise((resolve) => setImmediate(resolve));
        }
        expect([before.waiting, now.waiting, places.taken]).to.deep.equal([0, 0, 0]);
      }),
      { numRuns: 40 },
    );
  });
});

describe('the pool of a gateway', () => {
  let gateway: SpecGateway;

  before(async () => {
    const pool = { size: 1, queueSize: 2, acquireTimeout: '200ms' };
    gateway = await startGateway({ database: await sharedPostgres(), pool });
  });
  after(() => gateway[Symbol.asyncDispose]());

  /** A client that has sent its start-up packet, and is a session of the gateway. */
  async function knock(at = gateway): Promise<WireClient> {
    const before = at.gateway.sessions;
    const client = await WireClient.connect(at.port);
    client.send(startup());
    await until(() => at.gateway.sessions > before);
    return client;
  }

  it('lets clients wait their turn', async () => {
    using first = await WireClient.open(gateway.port);
    using second = await knock();
    using third = await knock();
    first.send(message('X'));
    await second.until('Z');
    second.send(query('select 1'));
    await second.until('Z');
    second.socket.end();
    await third.until('Z');
    third.send(message('X'));
    for (const client of [first, second, third]) await client.rest();
    await until(() => gateway.gateway.sessions === 0);
  });

  it('tells one too many 53300 at once, and one that waited too long after acquireTimeout', async () => {
    using first = await WireClient.open(gateway.port);
    using second = await knock();
    using third = await knock();
    using fourth = await WireClient.connect(gateway.port);
    fourth.send(startup());
    const full = await fourth.lastWords();
    expect(full).to.include({ severity: 'FATAL', sqlstate: '53300' });
    expect(full!.message).to.contain('default.writes').and.contain('2 clients wait');
    for (const client of [second, third]) {
      const late = await client.lastWords();
      expect(late).to.include({ severity: 'FATAL', sqlstate: '53300' });
      expect(late!.message).to.contain('within 200 ms');
    }
    first.send(message('X'));
    await first.rest();
    await until(() => gateway.gateway.sessions === 0);
  });

  it('frees the place in the queue of a client that goes while it waits', async () => {
    const pool = { size: 1, queueSize: 2, acquireTimeout: '0s' };
    await using slow = await startGateway({ database: await sharedPostgres(), pool });
    using first = await WireClient.open(slow.port);
    using impatient = await knock(slow);
    using patient = await knock(slow);
    impatient.socket.destroy();
    await until(() => slow.gateway.sessions === 2);
    const reset = await knock(slow);
    reset.socket.resetAndDestroy();
    await until(() => slow.gateway.sessions === 2);
    first.socket.resetAndDestroy();
    await patient.until('Z');
    patient.send(message('X'));
    await patient.rest();
    await until(() => slow.gateway.sessions === 0);
  });
});
