import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import { type EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { createHooks, type Hooks } from '../../lib/hooks/hooks.ts';
import { certificate, certificateFile } from '../support/certificates.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { SpecUsersFile, startPooledGateway } from '../support/pooled-gateway.ts';
import { postgresPassword, startPostgres } from '../support/postgres.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { message, query, startup, WireClient, type WireMessage } from '../support/wire-client.ts';

/** What PostgreSQL is asked in one write, behind the start-up packet. */
const requests: readonly (readonly [what: string, ...bytes: Buffer[]])[] = [
  ['nothing'],
  ['a query and a goodbye', query("select 'done' from pg_sleep(0.1)"), message('X')],
  ['two queries', query('select 1'), query('select 2')],
  [
    'an extended query',
    message('P', '\0select 42\0\0\0'),
    message('B', Buffer.alloc(8)),
    message('E', Buffer.alloc(5)),
    message('S'),
  ],
  ['more than is read of a client that waits', query(`select '${'x'.repeat(100_000)}'`), message('X')],
];

/** Types and rows; not what is said of settings and keys. */
const gist = (messages: readonly WireMessage[]): string =>
  messages
    .filter(({ type }) => type !== 'S' && type !== 'K' && type !== 'N')
    .map(({ type, body }) => (type === 'D' ? `D(${body.length > 99 ? body.length : String(body.subarray(6))})` : type))
    .join('');

/** Sends everything and ends its side; gives all that comes. */
async function halfClosed(port: number, bytes: readonly Buffer[]): Promise<WireMessage[]> {
  using client = await WireClient.connect(port);
  client.socket.end(Buffer.concat(bytes));
  return await client.rest();
}

describe('a client that ends its side before it is logged in', () => {
  let database: EmbeddedPostgres;
  const fromPostgres = new Map<string, string>();

  before(async () => {
    database = await sharedPostgres();
    for (const [what, ...bytes] of requests) {
      using client = new WireClient(connect({ path: database.address, allowHalfOpen: true }));
      client.socket.end(Buffer.concat([startup(), ...bytes]));
      fromPostgres.set(what, gist(await client.rest()));
    }
    expect([...fromPostgres.values()].slice(0, 4)).to.deep.equal([
      'RZ',
      'RZTD(done)CZ',
      'RZTD(1)CZTD(2)CZ',
      'RZ12D(42)CZ',
    ]);
  });

  const gateways = {
    relayed: (hooks: Hooks): Promise<SpecGateway> => startGateway({ database, hooks }),
    pooled: (hooks: Hooks): Promise<SpecGateway> => startPooledGateway({ database, hooks, pool: { size: 1 } }),
  };
  for (const [kind, start] of Object.entries(gateways)) {
    for (const tapped of [false, true]) {
      it(`gets from a ${kind} database what it gets from PostgreSQL${tapped ? ', through a plugin' : ''}`, async () => {
        const hooks = createHooks();
        if (tapped) {
          hooks.trafficFromClient.tapPromise('spec', () => Promise.resolve());
          hooks.trafficFromServer.tap('spec', () => undefined);
        }
        await using gateway = await start(hooks);
        for (const [what, ...bytes] of requests) {
          expect(gist(await halfClosed(gateway.port, [startup(), ...bytes])), what).to.equal(fromPostgres.get(what));
        }
        await until(() => gateway.gateway.sessions === 0);
      });
    }

    it(`gets from a ${kind} database what it asked for however long it has to wait, and is told that it waits`, async () => {
      const hooks = createHooks();
      let told!: () => void;
      const waits = new Promise<void>((resolve) => (told = resolve));
      hooks.route.tapPromise('spec', () => waits.then(() => undefined));
      hooks.trafficFromClient.tap('spec', () => undefined);
      await using gateway = await start(hooks);
      const clients = await Promise.all(
        requests.map(async ([what, ...bytes]) => {
          const client = await WireClient.connect(gateway.port);
          client.socket.end(Buffer.concat([startup(), ...bytes]));
          return [what, client] as const;
        }),
      );
      // The backlog of the last is longer than what is read of it, so that its end is not seen yet.
      for (const [, client] of clients.slice(0, -1)) {
        let type = (await client.next())?.type;
        if (type === 'R') type = (await client.next())?.type;
        expect(type).to.equal('N');
      }
      told();
      for (const [what, client] of clients) {
        const expected = fromPostgres.get(what)?.replace(/^R/, '');
        expect(gist(await client.rest()).replace(/^R/, ''), what).to.equal(expected);
      }
      await until(() => gateway.gateway.sessions === 0);
      expect(gateway.log.filter(({ level }) => level > 30)).to.deep.equal([]);
    });
  }

  it('waits for a place as any other does', async () => {
    for (const start of [gateways.pooled, () => startGateway({ database, pool: { size: 1 } })]) {
      await using gateway = await start(createHooks());
      using first = await WireClient.open(gateway.port);
      using second = await WireClient.connect(gateway.port);
      second.socket.end(Buffer.concat([startup(), query('select 7'), message('X')]));
      let type = (await second.next())?.type;
      if (type === 'R') type = (await second.next())?.type;
      expect(type).to.equal('N');
      first.send(message('X'));
      expect(gist(await second.rest())).to.match(/^R?ZTD\(7\)CZ$/);
      await first.rest();
    }
  });

  it('is let go at once where its start-up packet is not all there', async () => {
    // No limit of time: only the end of the client's side can end it.
    await using gateway = await startGateway({ database, server: { loginTimeout: '0s' } });
    for (const bytes of [Buffer.alloc(0), startup().subarray(0, 3), startup().subarray(0, 20)]) {
      using client = await WireClient.connect(gateway.port);
      client.socket.end(bytes);
      expect(await client.rest()).to.deep.equal([]);
      await client.closed;
    }
  });

  it('has its login time and no more', async () => {
    const hooks = createHooks();
    hooks.route.tapPromise('spec', () => new Promise(() => undefined));
    await using gateway = await startGateway({ database, hooks, server: { loginTimeout: '300ms' } });
    using client = await WireClient.connect(gateway.port);
    client.socket.end(Buffer.concat([startup(), query('select 1')]));
    expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '08006' });
  });

  it('is let in by a password that it has sent ahead, and goes quietly without one', async () => {
    const ask = [query("select 'in'"), message('X')];
    using users = new SpecUsersFile({ postgres: postgresPassword });
    const asking = await startPostgres({ network: 'unix', authentication: 'password' });
    try {
      await using relayed = await startGateway({ database: asking });
      await using pooled = await startPooledGateway({ database, auth: { method: 'password', usersFile: users.path } });
      for (const { port } of [relayed, pooled]) {
        const answer = await halfClosed(port, [startup(), message('p', `${postgresPassword}\0`), ...ask]);
        expect(gist(answer)).to.equal('RRZTD(in)CZ');
        expect(gist(await halfClosed(port, [startup()]))).to.equal('R');
        const wrong = await halfClosed(port, [startup(), message('p', 'wrong\0'), ...ask]);
        expect(gist(wrong)).to.equal('RE');
      }
    } finally {
      await asking.stop();
    }
  });

  it('gets its answers over TLS, too', async () => {
    const files = { certFile: certificateFile('server.pem'), keyFile: certificateFile('server.key') };
    await using gateway = await startGateway({ database, server: { enableTLS: true, ...files } });
    const options = { port: gateway.port, host: '127.0.0.1', ca: certificate('authority.pem') };
    const socket = connectTls({ ...options, ALPNProtocols: ['postgresql'] });
    using client = new WireClient(socket);
    await once(socket, 'secureConnect');
    socket.end(Buffer.concat([startup(), query('select 1'), message('X')]));
    expect(gist(await client.rest())).to.equal('RZTD(1)CZ');
  });
});
