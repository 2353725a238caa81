import { expect } from 'chai';
import type { Client } from 'pg';
import { createHooks, type Hooks } from '../../lib/hooks/hooks.ts';
import { caught } from '../support/caught.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { message, startup, WireClient, type WireMessage } from '../support/wire-client.ts';

type LifeHook = 'opening' | 'opened' | 'closing' | 'closed';

/** A bus whose taps note what they see of the lives of sessions. */
function noting(): { hooks: Hooks; seen: [LifeHook, string, boolean][] } {
  const hooks = createHooks();
  const seen: [LifeHook, string, boolean][] = [];
  hooks.opening.tap('spec', ({ session: { id, moved } }) => void seen.push(['opening', id, moved]));
  for (const name of ['opened', 'closing', 'closed'] as const) {
    hooks[name].tap('spec', ({ id, moved }) => void seen.push([name, id, moved]));
  }
  return { hooks, seen };
}

/** A bus with a tap that gives every text value a mark. */
function marking(mark: string): Hooks {
  const hooks = createHooks();
  hooks.trafficFromServer.tap('spec', (batch) => {
    batch.mapRows((row) => {
      row.set(0, `${mark}${String(row.get(0))}`);
      return row;
    });
  });
  return hooks;
}

const valueOf = async (client: Client, sql: string): Promise<unknown> =>
  Object.values((await client.query(sql)).rows[0] as object)[0];

const valuesIn = (messages: readonly WireMessage[]): string =>
  messages.map(({ body }) => body.toString('latin1')).join(' ');

describe('generations of hooks', () => {
  const start = async (hooks: Hooks): Promise<SpecGateway> => startGateway({ database: await sharedPostgres(), hooks });
  const connect = async (gateway: SpecGateway): Promise<Client> => {
    const client = gateway.client();
    await client.connect();
    return client;
  };

  it('take over an idle session at once, with and without traffic taps, in both directions', async () => {
    await using gateway = await start(createHooks());
    const client = await connect(gateway);
    expect(await valueOf(client, "SELECT 'x'")).to.equal('x');
    for (const [hooks, value] of [
      [marking('a'), 'ax'],
      [marking('b'), 'bx'],
      [createHooks(), 'x'],
      [marking('c'), 'cx'],
    ] as const) {
      await gateway.generations.replace(hooks).left;
      expect(await valueOf(client, "SELECT 'x'")).to.equal(value);
    }
    await client.end();
  });

  it('let a session in a transaction stay where it is until it commits', async () => {
    await using gateway = await start(marking('old '));
    const client = await connect(gateway);
    await client.query('BEGIN');
    const { left } = gateway.generations.replace(marking('new '));
    let over = false;
    void left.then(() => (over = true));
    expect(await valueOf(client, "SELECT 'x'")).to.equal('old x');
    expect(over).to.equal(false);
    await client.query('COMMIT');
    await left;
    expect(await valueOf(client, "SELECT 'x'")).to.equal('new x');
    await client.end();
  });

  it('let a session whose client has sent half a message stay until that is answered', async () => {
    await using gateway = await start(marking('old '));
    using client = await WireClient.connect(gateway.port);
    client.send(startup({}));
    await client.until('Z');
    const query = message('Q', "SELECT 'x'\0");
    client.send(query.subarray(0, 4));
    const other = await connect(gateway);
    // Its answer says that the bytes sent before have been read.
    await other.query('SELECT 1');
    await other.end();
    const { left } = gateway.generations.replace(marking('new '));
    client.send(query.subarray(4));
    expect(valuesIn(await client.until('Z'))).to.contain('old x');
    await left;
    client.send(query);
    expect(valuesIn(await client.until('Z'))).to.contain('new x');
  });

  it('move a session that is still logging in when it is logged in', async () => {
    const old = noting();
    let release!: () => void;
    old.hooks.opening.tapPromise('slow', () => new Promise<void>((resolve) => (release = resolve)));
    await using gateway = await start(old.hooks);
    const client = gateway.client();
    const connected = client.connect();
    await until(() => old.seen.length === 1);
    const next = noting();
    const { left } = gateway.generations.replace(next.hooks);
    release();
    await Promise.all([connected, left]);
    await client.end();
    await until(() => next.seen.length === 4);
    const life = ['opening', 'opened', 'closing', 'closed'];
    expect(old.seen.map(([hook]) => hook)).to.deep.equal(life);
    expect(next.seen.map(([hook]) => hook)).to.deep.equal(life);
  });

  it('each see the whole life of every session in it: one closed for each opening', async () => {
    const first = noting();
    await using gateway = await start(first.hooks);
    const client = await connect(gateway);
    const second = noting();
    await gateway.generations.replace(second.hooks).left;
    const id = first.seen[0]![1];
    expect(first.seen).to.deep.equal([
      ['opening', id, false],
      ['opened', id, false],
      ['closing', id, false],
      ['closed', id, false],
    ]);
    expect(second.seen).to.deep.equal([
      ['opening', id, true],
      ['opened', id, true],
    ]);
    await client.end();
    await until(() => second.seen.length === 4);
    expect(second.seen.slice(2)).to.deep.equal([
      ['closing', id, true],
      ['closed', id, true],
    ]);
    expect(first.seen).to.have.length(4);
  });

  it('hold what the client sends while an asynchronous opening of the new one is asked', async () => {
    await using gateway = await start(createHooks());
    const client = await connect(gateway);
    const next = marking('new ');
    let release: (() => void) | undefined;
    next.opening.tapPromise('slow', () => new Promise<void>((resolve) => (release = resolve)));
    await gateway.generations.replace(next).left;
    const answer = valueOf(client, "SELECT 'x'");
    await until(() => release !== undefined);
    release?.();
    expect(await answer).to.equal('new x');
    await client.end();
  });

  it('end a session that the new one refuses, with the error the plugin gave', async () => {
    await using gateway = await start(createHooks());
    const client = await connect(gateway);
    const ended = new Promise<Error & { code?: string }>((resolve) => client.on('error', resolve));
    const next = noting();
    next.hooks.opening.tap('guard', (opening) => opening.refuse('28000', 'not any more'));
    await gateway.generations.replace(next.hooks).left;
    expect(await ended).to.include({ code: '28000', message: 'not any more' });
    await until(() => gateway.gateway.sessions === 0);
    expect(next.seen.map(([hook]) => hook)).to.deep.equal(['opening', 'closing', 'closed']);
  });

  it('end a session that was never idle when the time to move is over', async () => {
    await using gateway = await start(createHooks());
    const client = await connect(gateway);
    await client.query('BEGIN');
    const asleep = caught(client.query('SELECT pg_sleep(60)'));
    const superseded = gateway.generations.replace(createHooks());
    superseded.evict();
    expect(await asleep).to.include({ code: '57P01', severity: 'FATAL' });
    await superseded.left;
  });

  it('go on to the newest one, over all that came between, when a session is idle at last', async () => {
    await using gateway = await start(createHooks());
    const client = await connect(gateway);
    await client.query('BEGIN');
    const second = noting();
    const { left } = gateway.generations.replace(second.hooks);
    const replaced = gateway.generations.replace(marking('third '));
    await replaced.left;
    await client.query('COMMIT');
    await left;
    expect(second.seen).to.deep.equal([]);
    expect(await valueOf(client, "SELECT 'x'")).to.equal('third x');
    expect(gateway.generations.all.map(({ number, tenants }) => [number, tenants])).to.deep.equal([[3, 1]]);
    await client.end();
  });

  it('keep a prepared statement that a plugin answered for the database does not know it', async () => {
    const answering = createHooks();
    answering.trafficFromClient.tap('spec', (batch) =>
      batch.query === 'SELECT local' ? batch.reply({ columns: ['local'], rows: [['here']] }) : undefined,
    );
    await using gateway = await start(answering);
    const client = await connect(gateway);
    const query = { name: 'kept', text: 'SELECT local' };
    const ask = async () => (await client.query<{ local: string }>(query)).rows[0]?.local;
    expect(await ask()).to.equal('here');
    for (const hooks of [createHooks(), marking('marked '), createHooks()]) {
      await gateway.generations.replace(hooks).left;
      expect(await ask()).to.equal('here');
      expect(await valueOf(client, "SELECT 'x'")).to.match(/x$/);
    }
    await client.end();
  });

  it('move sessions in turns of the event loop that others have between, and no session that has left', async () => {
    const hooks = createHooks();
    await using gateway = await start(hooks);
    const told: number[] = [];
    const leases = Array.from({ length: 50 }, (_, number) =>
      gateway.generations.lease({
        superseded: () => {
          told.push(number);
          // Longer than work that can wait may hold the event loop.
          const end = performance.now() + 1;
          while (performance.now() < end);
          leases[number]!.release();
        },
        evicted: () => undefined,
      }),
    );
    leases[49]!.release();
    const seen = [0];
    const progress = { over: false };
    const watch = (): void => {
      seen.push(told.length);
      if (!progress.over) setImmediate(watch);
    };
    setImmediate(watch);
    const { left } = gateway.generations.replace(createHooks());
    await left;
    progress.over = true;
    expect(told).to.deep.equal([...Array(49).keys()]);
    const atOnce = seen.slice(1).map((count, index) => count - (seen[index] ?? 0));
    expect(Math.max(...atOnce)).to.be.at.most(2);
  });
});
