import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { checkConfig } from '../../lib/config/check.ts';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { caught } from '../support/caught.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { message, query, startup, WireClient } from '../support/wire-client.ts';

describe('changing the configuration of a running gateway', () => {
  let folder: string;
  let block: { readonly network: string; readonly address: string };

  before(async () => {
    const { network, address } = await sharedPostgres();
    block = { network, address };
  });
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'gatewayd-spec-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  type Sections = Readonly<Record<string, unknown>>;
  const one = (server: Sections = {}, pool: Sections = {}): Sections => ({
    clients: { default: { writes: block } },
    pools: { default: { writes: pool } },
    servers: { default: { address: '127.0.0.1:0', ...server } },
  });
  const start = (sections: Sections, hooks = createHooks()): Promise<SpecGateway> =>
    startGateway({ database: block as never, sections, hooks });
  const change = async ({ gateway }: SpecGateway, sections: Sections): Promise<void> =>
    gateway.reconfigure(await checkConfig(sections));
  const portOf = ({ gateway }: SpecGateway, name = 'default'): number =>
    Number(/:(\d+)$/.exec(gateway.addresses.find((server) => server.name === name)!.address)![1]);
  const answers = async (client: WireClient): Promise<void> => {
    client.send(query('select 1'));
    expect((await client.until('Z')).map(({ type }) => type).join('')).to.equal('TDCZ');
  };
  interface TwoClients extends Disposable {
    readonly first: WireClient;
    readonly waiting: WireClient;
  }
  /** A client that has the only place of a pool, and one that has sent its start-up packet and waits for it. */
  const oneHasAndOneWaits = async ({ gateway, port }: SpecGateway): Promise<TwoClients> => {
    const first = await WireClient.open(port);
    const waiting = await WireClient.connect(port);
    waiting.send(startup());
    await until(() => gateway.sessions === 2);
    const clients = [first, waiting];
    return { first, waiting, [Symbol.dispose]: () => clients.forEach((client) => client.socket.destroy()) };
  };
  const refused = async (port: number): Promise<void> => {
    const [error] = (await once(connect(port, '127.0.0.1'), 'error')) as [Error];
    expect(error).to.include({ code: 'ECONNREFUSED' });
  };

  it('keeps the socket of a server whose address stays, and its sessions', async () => {
    await using gateway = await start(one());
    using before = await WireClient.open(gateway.port);
    await change(gateway, one({ loginTimeout: '50ms' }));
    expect(portOf(gateway)).to.equal(gateway.port);
    await answers(before);
    using slow = await WireClient.connect(gateway.port);
    expect(await slow.lastWords()).to.include({ sqlstate: '57014' });
    await answers(before);
  });

  it('keeps the pool of a database whose settings stay, and gives it a new one where they change', async () => {
    await using gateway = await start(one({}, { size: 1, queueSize: 0 }));
    using first = await WireClient.open(gateway.port);
    await change(gateway, one({ loginTimeout: '5s' }, { size: 1, queueSize: 0 }));
    using second = await WireClient.connect(gateway.port);
    second.send(startup());
    expect(await second.lastWords()).to.include({ sqlstate: '53300' });
    await change(gateway, one({ loginTimeout: '5s' }, { size: 2, queueSize: 0 }));
    using third = await WireClient.open(gateway.port);
    await answers(third);
    await answers(first);
  });

  const loggedIn = (pool: Sections): Sections => ({
    clients: { default: { writes: { ...block, startupParams: { user: 'postgres' } } } },
    pools: { default: { writes: pool } },
    servers: { default: { address: '127.0.0.1:0', auth: { method: 'trust' } } },
  });
  const pools = [
    ['that clients log in on themselves', (pool: Sections) => one({}, pool)],
    ['that are logged in ahead', loggedIn],
  ] as const;
  for (const [what, sections] of pools) {
    it(`counts connections of before, of those ${what}, in a pool that changes`, async () => {
      await using gateway = await start(sections({ size: 2, minSize: 0 }));
      using first = await WireClient.open(gateway.port);
      using second = await WireClient.open(gateway.port);
      await change(gateway, sections({ size: 2, minSize: 0, queueSize: 1, maxIdle: '5m' }));
      using third = await WireClient.connect(gateway.port);
      third.send(startup());
      await until(() => gateway.gateway.sessions === 3);
      using fourth = await WireClient.connect(gateway.port);
      fourth.send(startup());
      expect(await fourth.lastWords()).to.include({ sqlstate: '53300' });
      second.send(message('X'));
      await third.until('Z');
      await answers(third);
      await answers(first);
      third.send(message('X'));
      using fifth = await WireClient.connect(gateway.port);
      fifth.send(startup());
      await fifth.until('Z');
      await answers(fifth);
    });
  }

  it('lets a client that waits for a place go on waiting for it', async () => {
    await using gateway = await start(one({}, { size: 1 }));
    using clients = await oneHasAndOneWaits(gateway);
    const { first, waiting } = clients;
    await change(gateway, one({}, { size: 3 }));
    first.socket.destroy();
    await waiting.until('Z');
    await answers(waiting);
  });

  for (const [what, sections] of pools) {
    it(`lets in at once whoever waits for one of those ${what}, where there may be more`, async () => {
      await using gateway = await start(sections({ size: 1, minSize: 0 }));
      using clients = await oneHasAndOneWaits(gateway);
      const { first, waiting } = clients;
      await change(gateway, sections({ size: 2, minSize: 0 }));
      await waiting.until('Z');
      await answers(first);
      await answers(waiting);
    });

    it(`gives a client that waits what there is now, of those ${what}, where others came after the change`, async () => {
      await using gateway = await start(sections({ size: 1, minSize: 0 }));
      using clients = await oneHasAndOneWaits(gateway);
      const { first, waiting } = clients;
      await change(gateway, sections({ size: 2, minSize: 0 }));
      using second = await WireClient.connect(gateway.port);
      second.send(startup());
      first.send(message('X'));
      await waiting.until('Z');
      await second.until('Z');
      await answers(waiting);
      await answers(second);
    });
  }

  it('has servers that are new listen, and ones that are gone accept nobody while their sessions go on', async () => {
    const clients = { default: { writes: block }, other: { writes: block } };
    const both = { clients, servers: { default: { address: '127.0.0.1:0' }, other: { address: '127.0.0.1:0' } } };
    await using gateway = await start(one());
    await change(gateway, both);
    const other = portOf(gateway, 'other');
    using through = await WireClient.open(other);
    using old = await WireClient.open(gateway.port);
    await change(gateway, { clients, servers: { other: { address: '127.0.0.1:0' } } });
    await refused(gateway.port);
    await answers(old);
    await answers(through);
    expect(gateway.gateway.sessions).to.equal(2);
    const closed = gateway.gateway.close();
    expect(await old.lastWords()).to.include({ sqlstate: '57P01' });
    expect(await through.lastWords()).to.include({ sqlstate: '57P01' });
    await closed;
  });

  it('changes the permissions of a Unix socket where it is, and leaves them where the change fails', async () => {
    const socket = path.join(folder, 'socket');
    const sections = (unixSocketPermissions: string, others: Sections = {}): Sections => ({
      clients: { default: { writes: block }, other: { writes: block } },
      servers: { default: { network: 'unix', address: socket, unixSocketPermissions }, other: others },
    });
    const other = { address: '127.0.0.1:0' };
    await using gateway = await start(sections('0700', other));
    const { ino } = statSync(socket);
    const permissions = (): string => {
      expect(statSync(socket).ino).to.equal(ino);
      return (statSync(socket).mode & 0o777).toString(8);
    };
    expect(permissions()).to.equal('700');
    await change(gateway, sections('0770', other));
    expect(permissions()).to.equal('770');
    const nowhere = { network: 'unix', address: path.join(folder, 'no/such/folder/socket') };
    expect(await caught(change(gateway, sections('0777', nowhere)))).to.include({ code: 'NETWORK_CANNOT_LISTEN' });
    expect(permissions()).to.equal('770');
  });

  it('moves a server to another address, and its sessions go on', async () => {
    await using gateway = await start(one());
    using old = await WireClient.open(gateway.port);
    const socket = path.join(folder, '.s.PGSQL.5432');
    await change(gateway, one({ network: 'unix', address: socket }));
    await refused(gateway.port);
    await answers(old);
    const client = gateway.client({ host: folder, port: 5432 });
    await client.connect();
    await client.end();
    await change(gateway, one({ address: `127.0.0.1:${gateway.port}` }));
    expect(existsSync(socket)).to.equal(false);
    using back = await WireClient.open(gateway.port);
    await answers(back);
  });

  it('lets two servers change places', async () => {
    const [a, b] = ['a', 'b'].map((name) => path.join(folder, name)) as [string, string];
    const clients = { a: { writes: block }, b: { writes: block } };
    const servers = (first: string, second: string): Sections => ({
      clients,
      servers: { a: { network: 'unix', address: first }, b: { network: 'unix', address: second } },
    });
    const hooks = createHooks();
    await using gateway = await start(servers(a, b), hooks);
    await change(gateway, servers(b, a));
    expect(gateway.gateway.addresses).to.deep.equal([
      { name: 'a', address: b },
      { name: 'b', address: a },
    ]);
    expect([existsSync(a), existsSync(b)]).to.deep.equal([true, true]);
  });

  it('moves a server from every address to one, on the same port', async () => {
    await using gateway = await start(one({ address: '0.0.0.0:0' }));
    using old = await WireClient.open(gateway.port);
    await change(gateway, one({ address: `127.0.0.1:${gateway.port}` }));
    expect(gateway.gateway.addresses).to.deep.equal([{ name: 'default', address: `127.0.0.1:${gateway.port}` }]);
    using fresh = await WireClient.open(gateway.port);
    await answers(fresh);
    await answers(old);
  });

  it('changes nothing where the new one cannot be used, and says why', async () => {
    const owner = createServer().listen(0, '127.0.0.1');
    await once(owner, 'listening');
    const { port: taken } = owner.address() as { port: number };
    await using gateway = await start(one({ address: '0.0.0.0:0' }));
    const { default: server } = { default: { address: `127.0.0.1:${gateway.port}` } };
    const wrong: [string, Sections][] = [
      ['NETWORK_ADDRESS_IN_USE', one({ address: `127.0.0.1:${taken}` })],
      // Its first server takes the place of the old one before the second turns out to be impossible.
      [
        'NETWORK_ADDRESS_IN_USE',
        {
          clients: { default: { writes: block }, other: { writes: block } },
          servers: { default: server, other: { address: `127.0.0.1:${taken}` } },
        },
      ],
      ['NETWORK_TLS_FILES', one({ enableTLS: true, certFile: '/nowhere/cert', keyFile: '/nowhere/key' })],
    ];
    for (const [code, sections] of wrong) {
      expect(await caught(change(gateway, sections))).to.include({ code });
      expect(gateway.gateway.addresses).to.deep.equal([{ name: 'default', address: `0.0.0.0:${gateway.port}` }]);
      using client = await WireClient.open(gateway.port);
      await answers(client);
    }
    owner.close();
  });

  it('tells the plugins of what is new or changed, and of sockets that listen anew', async () => {
    const hooks = createHooks();
    const told: string[] = [];
    for (const name of ['newPool', 'newClient', 'newProxy', 'newServer', 'run', 'booting', 'booted'] as const) {
      (hooks[name] as typeof hooks.newPool).tap('spec', (event) => void told.push(`${name} ${event.name}`));
    }
    await using gateway = await start(one(), hooks);
    expect(told).to.deep.equal([
      'newPool default.writes',
      'newClient default.writes',
      'newProxy default.writes',
      'newServer default',
      'run default',
      'booting default',
      'booted default',
    ]);
    told.length = 0;
    await change(gateway, one({}, { size: 3 }));
    expect(told).to.deep.equal(['newPool default.writes']);
    told.length = 0;
    await change(gateway, one({ network: 'unix', address: path.join(folder, 'moved') }, { size: 3 }));
    expect(told).to.deep.equal(['newServer default', 'run default', 'booting default', 'booted default']);
  });

  it('makes changes that are asked for at once one after the other, and none once it is closed', async () => {
    await using gateway = await start(one());
    const ports = (name: string): Sections => one({ network: 'unix', address: path.join(folder, name) });
    await Promise.all([change(gateway, ports('a')), change(gateway, ports('b')), change(gateway, ports('c'))]);
    const { addresses } = gateway.gateway;
    expect(addresses).to.have.length(1);
    expect(['a', 'b', 'c'].filter((name) => existsSync(path.join(folder, name)))).to.have.length(1);
    await gateway.gateway.close();
    await change(gateway, ports('d'));
    expect(existsSync(path.join(folder, 'd'))).to.equal(false);
  });
});
