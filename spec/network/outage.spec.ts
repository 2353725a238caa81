import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { parseErrorFields } from '../../lib/protocol/error-response.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { caught } from '../support/caught.ts';
import { startPostgres } from '../support/postgres.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { message, query, startup, WireClient } from '../support/wire-client.ts';

const authenticationOk = message('R', Buffer.alloc(4));
const ready = message('Z', 'I');

describe('an outage of the database', () => {
  it('is told to the clients, and heals without a restart of the gateway', async () => {
    let database = await startPostgres();
    // What stands in front of it keeps its address when the database comes back with another one.
    let target = database.port;
    const front = createServer((near) => {
      const far = connect(target, '127.0.0.1');
      near.on('error', () => far.destroy()).on('close', () => far.destroy());
      far.on('error', () => near.resetAndDestroy()).on('close', () => near.destroy());
      near.pipe(far).pipe(near);
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    const { port } = front.address() as { port: number };
    const gateway = await startGateway({ database: { network: 'tcp', address: `127.0.0.1:${port}` } });
    try {
      const client = gateway.client();
      const errors: Error[] = [];
      client.on('error', (error) => errors.push(error));
      await client.connect();
      await database.stop();
      await until(() => errors.length > 0);
      expect(['57P01', '08006']).to.include((errors[0] as Error & { code?: string }).code);
      expect(await caught(gateway.client().connect())).to.include({ code: '08006', severity: 'FATAL' });
      database = await startPostgres();
      target = database.port;
      const again = gateway.client();
      await again.connect();
      expect((await again.query('select 1 as one')).rows).to.deep.equal([{ one: 1 }]);
      await again.end();
    } finally {
      await gateway[Symbol.asyncDispose]();
      front.close();
      await database.stop();
    }
  });
});

describe('a database that does not behave', () => {
  let gateway: SpecGateway;
  let behave: (socket: Socket) => unknown;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    behave(socket);
  });

  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const database = { network: 'tcp', address: `127.0.0.1:${port}` } as const;
    gateway = await startGateway({ database, pool: { size: 1 }, server: { loginTimeout: '500ms' } });
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    server.close();
  });

  async function lastWords(): Promise<unknown> {
    using client = await WireClient.connect(gateway.port);
    client.send(startup());
    return await client.lastWords();
  }

  /** Logs the client in, then goes on. */
  const loggedIn =
    (then: (socket: Socket) => void): typeof behave =>
    (socket) => {
      socket.once('data', () => {
        socket.write(Buffer.concat([authenticationOk, ready]));
        socket.once('data', () => then(socket));
      });
    };

  async function answerToQuery(): Promise<{ types: string; error: unknown }> {
    using client = await WireClient.open(gateway.port);
    client.send(query('select 1'));
    const messages = await client.rest();
    const error = messages.findLast(({ type }) => type === 'E');
    const types = messages.map(({ type }) => type).join('');
    return { types, error: error === undefined ? null : parseErrorFields(error.body) };
  }

  it('closing before or while the client logs in gives 08006', async () => {
    behave = (socket) => socket.destroy();
    expect(await lastWords()).to.include({ severity: 'FATAL', sqlstate: '08006' });
    behave = (socket) => socket.once('data', () => socket.end(authenticationOk));
    expect(await lastWords()).to.include({ severity: 'FATAL', sqlstate: '08006' });
  });

  it('closing without a word in the middle of a session gives 08006 and one line in the log', async () => {
    const { length } = gateway.log;
    behave = loggedIn((socket) => socket.end(message('T', Buffer.alloc(2))));
    const { types, error } = await answerToQuery();
    expect(types).to.equal('TE');
    expect(error).to.include({ severity: 'FATAL', sqlstate: '08006' });
    behave = loggedIn((socket) => socket.resetAndDestroy());
    expect((await answerToQuery()).error).to.include({ severity: 'FATAL', sqlstate: '08006' });
    const lines = gateway.log.slice(length).filter(({ level }) => level > 20);
    expect(lines.map(({ code }) => code)).to.deep.equal(['NETWORK_DATABASE_CLOSED', 'NETWORK_DATABASE_CLOSED']);
  });

  it('closing in the middle of a message gives nothing that could be taken for a part of it', async () => {
    behave = loggedIn((socket) => socket.end(message('D', 'a row that is not all there').subarray(0, 12)));
    using client = await WireClient.open(gateway.port);
    client.send(query('select 1'));
    expect((await client.bytes(1000)).length).to.equal(12);
  });

  it('sending what is no protocol ends the session with 08P01', async () => {
    behave = loggedIn((socket) => socket.write(Buffer.from([0x44, 0xff, 0xff, 0xff, 0xff])));
    expect((await answerToQuery()).error).to.include({ severity: 'FATAL', sqlstate: '08P01' });
  });

  it('saying nothing at all gives 57014 after the login time', async () => {
    behave = (socket) => socket.resume();
    expect(await lastWords()).to.include({ severity: 'FATAL', sqlstate: '57014' });
  });

  it('leaves the pool as it was', async () => {
    behave = loggedIn((socket) => socket.write(Buffer.concat([message('C', 'SELECT 0\0'), ready])));
    using client = await WireClient.open(gateway.port);
    client.send(query('select'));
    await client.until('Z');
  });
});

describe('a database that cannot be reached', () => {
  it('gives 08006 after the tries that the config asks for, without its address', async () => {
    const database = { network: 'unix', address: '/nowhere/of/all/places' } as const;
    await using gateway = await startGateway({ database, client: { retries: 2, backoff: '1ms' } });
    const error = await caught(gateway.client().connect());
    expect(error).to.include({ code: '08006' });
    expect(error.message).to.contain('default.writes').and.contain('ENOENT').and.not.contain('nowhere');
    const lines = gateway.log.filter(({ level }) => level > 20);
    expect(lines).to.have.length(1);
    expect(JSON.stringify(lines)).to.contain('/nowhere/of/all/places');
  });

  it('holds a client no longer than its login time', async () => {
    const database = { network: 'unix', address: '/nowhere/of/all/places' } as const;
    await using gateway = await startGateway({ database, client: { backoff: '1h' }, server: { loginTimeout: '50ms' } });
    expect(await caught(gateway.client().connect())).to.include({ code: '08006' });
  });

  it('gives the session to the next block of the group', async () => {
    const { network, address } = await sharedPostgres();
    const dead = { network: 'unix', address: '/nowhere/of/all/places' };
    const clients = { default: { dead, alive: { network, address } } };
    await using gateway = await startGateway({ database: { network, address }, sections: { clients, pools: {} } });
    for (let round = 0; round < 4; round += 1) {
      const client = gateway.client();
      await client.connect();
      await client.end();
    }
    expect(gateway.log.filter(({ level }) => level > 20)).to.deep.equal([]);
  });
});
