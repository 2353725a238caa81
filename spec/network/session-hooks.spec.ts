import { expect } from 'chai';
import { createHooks, type Hooks } from '../../lib/hooks/hooks.ts';
import type { Routing, Session } from '../../lib/hooks/payloads.ts';
import { parseErrorFields } from '../../lib/protocol/error-response.ts';
import { caught } from '../support/caught.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { startPooledGateway } from '../support/pooled-gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { message, query, startup, WireClient } from '../support/wire-client.ts';

describe('the hooks of a session', () => {
  let hooks: Hooks;

  beforeEach(() => {
    hooks = createHooks();
  });

  const start = async (pool: Readonly<Record<string, unknown>> = {}): Promise<SpecGateway> =>
    startGateway({ database: await sharedPostgres(), hooks, pool });

  it('fire in order, each with what is known of the session by then', async () => {
    const seen: [string, Session['server']][] = [];
    const sessions = new Set<Session>();
    const note = (name: string, session: Session): void => {
      seen.push([name, session.server]);
      sessions.add(session);
    };
    hooks.opening.tap('spec', ({ session }) => note('opening', session));
    hooks.route.tap('spec', ({ session }) => note('route', session));
    for (const name of ['opened', 'closing', 'closed'] as const) {
      hooks[name].tap('spec', (session) => note(name, session));
    }
    await using gateway = await start();
    const client = gateway.client();
    await client.connect();
    await client.end();
    await until(() => seen.length === 5);
    const { address } = await sharedPostgres();
    const server = { host: address, port: 0 };
    expect(seen).to.deep.equal([
      ['opening', null],
      ['route', null],
      ['opened', server],
      ['closing', server],
      ['closed', server],
    ]);
    expect(sessions.size).to.equal(1);
    const [session] = sessions;
    expect(session).to.include({ user: 'postgres', database: 'postgres', tls: false });
    expect(session!.client.host).to.equal('127.0.0.1');
    expect(session!.parameters.get('client_encoding')).to.equal('UTF8');
  });

  it('let opening refuse a client by its name, with an error that the client sees; others are none the wiser', async () => {
    const closed: string[] = [];
    hooks.opening.tap('guard', (opening) =>
      opening.session.user === 'mallory' ? opening.refuse('28000', 'not you', 'and not tomorrow') : undefined,
    );
    hooks.closed.tap('spec', ({ user }) => void closed.push(user));
    await using gateway = await start();
    const error = await caught(gateway.client({ user: 'mallory' }).connect());
    expect(error).to.include({ code: '28000', severity: 'FATAL', message: 'not you', detail: 'and not tomorrow' });
    const client = gateway.client();
    await client.connect();
    await client.end();
    await until(() => closed.length === 2);
    expect(closed).to.deep.equal(['mallory', 'postgres']);
  });

  it('hold up nobody else while one client is being opened', async () => {
    let release!: () => void;
    hooks.opening.tapPromise('slow', async ({ session }) => {
      if (session.parameters.get('application_name') !== 'held') return;
      await new Promise<void>((resolve) => (release = resolve));
    });
    await using gateway = await start();
    using held = await WireClient.connect(gateway.port);
    held.send(startup({ application_name: 'held' }));
    await until(() => gateway.gateway.sessions === 1);
    const client = gateway.client();
    await client.connect();
    await client.end();
    release();
    await held.until('Z');
  });

  it('let route hold a client, tell it why, and give it another address', async () => {
    let held: Routing | undefined;
    const { address } = await sharedPostgres();
    hooks.route.tapPromise('waker', async (routing) => {
      held = routing;
      routing.notice('waking the database');
      await Promise.resolve();
      return { name: routing.candidates[0]!.name, address };
    });
    const database = { network: 'unix', address: '/nowhere/of/all/places' } as const;
    await using gateway = await startGateway({ database, hooks });
    using client = await WireClient.connect(gateway.port);
    client.send(startup());
    const messages = await client.until('Z');
    // libpq gives up where the first message is a notice.
    expect(messages[0]!.type).to.equal('R');
    const notice = messages.at(-2)!;
    expect(notice.type).to.equal('N');
    expect(parseErrorFields(notice.body)).to.include({ severity: 'NOTICE', message: 'waking the database' });
    expect(held!.candidates).to.deep.equal([{ name: 'default.writes', address: database.address }]);
    expect(held!.session.server).to.deep.equal({ host: address, port: 0 });
  });

  it('let route tell a client nothing any more once it has its backend, between whose messages a notice could come', async () => {
    const kept: Routing['notice'][] = [];
    hooks.route.tap('late', (routing) => void kept.push((said) => routing.notice(said)));
    await using gateway = await startPooledGateway({ database: await sharedPostgres(), hooks });
    using client = await WireClient.connect(gateway.port);
    client.send(startup());
    await client.until('Z');
    kept[0]!('too late');
    client.send(query('select 1'));
    expect((await client.until('Z')).map(({ type }) => type).join('')).to.equal('TDCZ');
  });

  it('let route tell a client at once where gatewayd has let it in', async () => {
    let told!: () => void;
    const seen = new Promise<void>((resolve) => (told = resolve));
    hooks.route.tapPromise('waker', async (routing) => {
      routing.notice('waking the database');
      await seen;
      return undefined;
    });
    await using gateway = await startPooledGateway({ database: await sharedPostgres(), hooks });
    using client = await WireClient.connect(gateway.port);
    client.send(startup());
    expect((await client.next())!.type).to.equal('R');
    expect((await client.next())!.type).to.equal('N');
    told();
    await client.until('Z');
  });

  it('tell route when the client it is held for goes', async () => {
    let signal: AbortSignal | undefined;
    hooks.route.tapPromise('waker', ({ signal: given }) => {
      signal = given;
      return new Promise(() => undefined);
    });
    await using gateway = await start();
    using client = await WireClient.connect(gateway.port);
    client.send(startup());
    await until(() => signal !== undefined);
    expect(signal!.aborted).to.equal(false);
    client.socket.destroy();
    await until(() => gateway.gateway.sessions === 0);
    expect(signal!.aborted).to.equal(true);
  });

  it('answer a route to nowhere with 08004', async () => {
    hooks.route.tap('lost', () => ({ name: 'default.nowhere', address: 'localhost:1' }));
    await using gateway = await start();
    const error = await caught(gateway.client().connect());
    expect(error).to.include({ code: '08004', severity: 'FATAL' });
  });

  it('have opened settle before anything of the client passes', async () => {
    const seen: string[] = [];
    hooks.opened.tapPromise('slow', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push('opened');
    });
    hooks.traffic.tap('spec', () => void seen.push('traffic'));
    await using gateway = await start();
    using client = await WireClient.connect(gateway.port);
    client.send(startup(), message('Q', 'select 1\0'), message('X'));
    await client.rest();
    expect(seen[0]).to.equal('opened');
    expect(seen).to.include('traffic');
  });

  it('fire closed exactly once for each opening, however sessions end', async () => {
    const open = new Map<string, number>();
    hooks.opening.tap('spec', ({ session }) => void open.set(session.id, 0));
    hooks.closed.tap('spec', ({ id }) => void open.set(id, open.get(id)! + 1));
    await using gateway = await start({ size: 2, queueSize: 0 });
    const goings: ((client: WireClient) => unknown)[] = [
      (client) => client.send(message('X')),
      (client) => client.socket.resetAndDestroy(),
      (client) => client.send(Buffer.from([0x51, 0, 0, 0, 0])),
      (client) => client.socket.end(),
    ];
    for (const go of goings) {
      using client = await WireClient.open(gateway.port);
      go(client);
      await client.rest();
      await until(() => gateway.gateway.sessions === 0);
    }
    using one = await WireClient.open(gateway.port);
    using two = await WireClient.open(gateway.port);
    expect(await caught(gateway.client().connect())).to.include({ code: '53300' });
    for (const client of [one, two]) client.send(message('X'));
    await until(() => gateway.gateway.sessions === 0);
    expect([...open.values()]).to.deep.equal(Array.from({ length: 7 }, () => 1));
  });
});

describe('the hooks of a gateway', () => {
  it('tell what is built, then each server from run to booted, then tick', async () => {
    const hooks = createHooks();
    const seen: [string, string][] = [];
    for (const name of ['newPool', 'newClient', 'newProxy', 'newServer', 'run', 'booting', 'booted'] as const) {
      hooks[name].tap('spec', (event: { readonly name: string }) => void seen.push([name, event.name]));
    }
    let address = '';
    hooks.booted.tap('spec', (event) => void (address = event.address));
    const ticked = new Promise<number>((resolve) => {
      hooks.tick.tap('spec', ({ connections }) => resolve(connections));
    });
    const server = { enableTicker: true, tickInterval: '1ms' };
    await using gateway = await startGateway({ database: await sharedPostgres(), hooks, server });
    expect(seen).to.deep.equal([
      ['newPool', 'default.writes'],
      ['newClient', 'default.writes'],
      ['newProxy', 'default.writes'],
      ['newServer', 'default'],
      ['run', 'default'],
      ['booting', 'default'],
      ['booted', 'default'],
    ]);
    expect(address).to.equal(`127.0.0.1:${gateway.port}`);
    expect(await ticked).to.equal(0);
  });
});
