import { once } from 'node:events';
import fs, { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { connect, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { createHooks } from '../../lib/hooks/hooks.ts';
import type { Address } from '../../lib/hooks/payloads.ts';
import { Server } from '../../lib/network/server.ts';
import { caught } from '../support/caught.ts';
import { command } from '../support/command.ts';
import { startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';

describe('a server', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'gatewayd-spec-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Connects to a server and gives what it says. */
  async function greeting(target: string | { host: string; port: number }): Promise<string> {
    const socket = typeof target === 'string' ? connect(target) : connect(target);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'end');
    socket.destroy();
    return Buffer.concat(chunks).toString();
  }

  const unix = (name: string): { kind: 'unix'; path: string } => ({ kind: 'unix', path: path.join(folder, name) });

  for (const host of ['127.0.0.1', '::1', '']) {
    it(`listens on ${host === '' ? 'every address' : host} and tells the port it was given`, async () => {
      const server = new Server('default', { kind: 'tcp', host, port: 0 }, (socket) => socket.end('hello'));
      await server.listen();
      const port = Number(/:(\d+)$/.exec(server.address)![1]);
      expect(port).to.be.greaterThan(0);
      if (host === '::1') expect(server.address).to.equal(`[::1]:${port}`);
      expect(await greeting({ host: host === '' ? '127.0.0.1' : host, port })).to.equal('hello');
      server.close();
    });
  }

  it('listens on a Unix socket, and takes its file away when it closes', async () => {
    const endpoint = unix('socket');
    const server = new Server('default', endpoint, (socket) => socket.end('hello'));
    await server.listen();
    expect(server.address).to.equal(endpoint.path);
    expect(await greeting(endpoint.path)).to.equal('hello');
    server.close();
    expect(existsSync(endpoint.path)).to.equal(false);
  });

  it('takes over the file of a Unix socket that a killed process left', async () => {
    const endpoint = unix('stale');
    const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    await command(process.execPath, ['-e', script, endpoint.path]);
    expect(existsSync(endpoint.path)).to.equal(true);
    const server = new Server('default', endpoint, (socket) => socket.end('hello'));
    await server.listen();
    expect(await greeting(endpoint.path)).to.equal('hello');
    server.close();
  });

  const permissionsOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);

  for (const umask of [0o000, 0o027, 0o777]) {
    it(`gives a Unix socket its permissions under the umask ${umask.toString(8)}, and leaves that as it was`, async () => {
      const before = process.umask(umask);
      // What the socket is until its permissions are set; somebody could connect then.
      const { chmodSync } = fs;
      const meanwhile: string[] = [];
      fs.chmodSync = (file, mode) => {
        meanwhile.push(permissionsOf(String(file)));
        chmodSync(file, mode);
      };
      syncBuiltinESMExports();
      try {
        for (const permissions of [0o777, 0o770, 0o200]) {
          const endpoint = { ...unix(`socket-${permissions}`), permissions };
          const server = new Server('default', endpoint, (socket) => socket.end('hello'));
          await server.listen();
          expect(permissionsOf(endpoint.path)).to.equal(permissions.toString(8));
          expect(meanwhile.pop()).to.equal((permissions & ~umask).toString(8));
          expect(await greeting(endpoint.path)).to.equal('hello');
          server.close();
        }
        expect(process.umask(umask)).to.equal(umask);
      } finally {
        fs.chmodSync = chmodSync;
        syncBuiltinESMExports();
        process.umask(before);
      }
    });
  }

  it('has the permissions that its block says, those of PostgreSQL, or its own for it where nobody is asked', async () => {
    const database = await sharedPostgres();
    const socket = { network: 'unix', address: unix('.s.PGSQL.5432').path };
    const login = { startupParams: { user: 'postgres' } };
    for (const [server, block, expected] of [
      [{}, {}, '777'],
      [{ unixSocketPermissions: '0770' }, {}, '770'],
      [{ unixSocketPermissions: '722' }, {}, '722'],
      [{ auth: { method: 'trust' } }, login, '700'],
      [{ auth: { method: 'trust' }, unixSocketPermissions: '0777' }, login, '777'],
    ] as const) {
      await using gateway = await startGateway({ database, client: block, server: { ...socket, ...server } });
      expect(permissionsOf(socket.address), JSON.stringify(server)).to.equal(expected);
      const client = gateway.client({ host: folder, port: 5432 });
      await client.connect();
      await client.end();
    }
  });

  it('takes the paths of Unix sockets from the folder of the configuration, its own and that of the database', async () => {
    const { network, address } = await sharedPostgres();
    const database = { network, address: path.relative(folder, address) };
    const server = { network: 'unix', address: './.s.PGSQL.5432' };
    await using gateway = await startGateway({ database, server, directory: folder });
    expect(gateway.gateway.addresses).to.deep.equal([{ name: 'default', address: unix('.s.PGSQL.5432').path }]);
    const client = gateway.client({ host: folder, port: 5432 });
    await client.connect();
    await client.end();
  });

  it('leaves a Unix socket alone that somebody answers on, and says so', async () => {
    const endpoint = unix('taken');
    const owner = createServer((socket) => socket.on('error', () => undefined).end('mine')).listen(endpoint.path);
    await once(owner, 'listening');
    const error = await caught(new Server('default', endpoint, () => undefined).listen());
    expect(error).to.include({ code: 'NETWORK_ADDRESS_IN_USE' });
    expect(await greeting(endpoint.path)).to.equal('mine');
    owner.close();
  });

  it('says what to do when another program has its port', async () => {
    const owner = createServer().listen(0, '127.0.0.1');
    await once(owner, 'listening');
    const { port } = owner.address() as { port: number };
    const error = await caught(new Server('main', { kind: 'tcp', host: '127.0.0.1', port }, () => undefined).listen());
    expect(error).to.include({ code: 'NETWORK_ADDRESS_IN_USE' });
    expect(error.message).to.contain(`127.0.0.1:${port}`);
    expect(error).to.have.property('mend').that.contains('servers.main.address');
    owner.close();
  });

  it('says why it cannot listen elsewhere', async () => {
    const endpoint = { kind: 'unix', path: path.join(folder, 'no/such/folder/socket') } as const;
    const error = await caught(new Server('default', endpoint, () => undefined).listen());
    expect(error).to.include({ code: 'NETWORK_CANNOT_LISTEN' });
  });

  it('of several that cannot all listen, leaves none', async () => {
    const owner = createServer().listen(0, '127.0.0.1');
    await once(owner, 'listening');
    const { port } = owner.address() as { port: number };
    const { network, address } = await sharedPostgres();
    const block = { writes: { network, address } };
    const first = unix('first').path;
    const sections = {
      clients: { one: block, two: block },
      pools: {},
      servers: { one: { network: 'unix', address: first }, two: { address: `127.0.0.1:${port}` } },
    };
    const error = await caught(startGateway({ database: { network, address }, sections }));
    expect(error).to.include({ code: 'NETWORK_ADDRESS_IN_USE' });
    expect(existsSync(first)).to.equal(false);
    owner.close();
  });

  it('on a Unix socket carries a session as any other', async () => {
    const { network, address } = await sharedPostgres();
    const socket = path.join(folder, '.s.PGSQL.5432');
    const servers = { default: { network: 'unix', address: socket } };
    const hooks = createHooks();
    const clients: Address[] = [];
    hooks.opened.tap('spec', (session) => void clients.push(session.client));
    await using gateway = await startGateway({ database: { network, address }, hooks, sections: { servers } });
    const client = gateway.client({ host: folder, port: 5432 });
    await client.connect();
    expect((await client.query('select 1 as one')).rows).to.deep.equal([{ one: 1 }]);
    await client.end();
    expect(clients).to.deep.equal([{ host: socket, port: 0 }]);
  });
});
