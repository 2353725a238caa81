import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { encodeStartupPacket } from '../../lib/protocol/startup.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { Link } from '../../lib/network/link.ts';
import { LoginStage } from '../../lib/network/login-stage.ts';
import { socketPair } from '../support/socket-pair.ts';
import { message, query, startup, WireClient } from '../support/wire-client.ts';

const authenticationOk = message('R', Buffer.alloc(4));
const ready = message('Z', 'I');

describe('what a client is to be told when it is let in', () => {
  it('comes behind the answer of the database and between whole messages, wherever what that sends is cut', async () => {
    const [client, near] = await socketPair();
    const [far, server] = await socketPair();
    using reader = new WireClient(client);
    const link = new Link(near, server);
    const welcome = Buffer.concat([authenticationOk, message('K', Buffer.alloc(8)), ready]);
    for (let cut = 0; cut < welcome.length; cut += 1) {
      const watcher = { notices: message('N', 'told'), backendKey: () => undefined, loggedIn: () => undefined };
      const stage = new LoginStage(link, watcher);
      for (const chunk of [welcome.subarray(0, cut), welcome.subarray(cut)])
        if (chunk.length > 0) stage.fromServer(chunk);
      const types: string[] = [];
      for (let count = 0; count < 4; count += 1) types.push((await reader.next())!.type);
      expect(types.join(''), String(cut)).to.match(/^RK(?:NZ|ZN)$/);
    }
    for (const socket of [near, far, server]) socket.destroy();
  });
});

describe('a login at a database that is no PostgreSQL', () => {
  let server: Server;
  let gateway: SpecGateway;
  let arrived: Promise<Socket>;
  const queries: string[] = [];

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    arrived = once(server, 'connection').then(([socket]) => (socket as Socket).on('error', () => undefined));
    const hooks = createHooks();
    queries.length = 0;
    hooks.trafficFromClient.tap('spec', (batch) => {
      for (const { name } of batch.messages) queries.push(name);
    });
    const { port } = server.address() as AddressInfo;
    gateway = await startGateway({ database: { network: 'tcp', address: `127.0.0.1:${port}` }, hooks });
  });

  afterEach(async () => {
    (await arrived).destroy();
    await gateway[Symbol.asyncDispose]();
    server.close();
  });

  it('is over where the client is in the middle of an answer: its rest would be taken for messages', async () => {
    using client = await WireClient.connect(gateway.port);
    const unfinished = message('p', query('drop table t'));
    client.send(startup(), unfinished.subarray(0, 5));
    const database = await arrived;
    await received(database, startup().length + 5);
    database.write(Buffer.concat([authenticationOk, ready]));
    expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '08P01' });
    expect(queries).to.deep.equal([]);
  });

  it('keeps a message back that is not whole yet, whatever its type byte', async () => {
    using client = await WireClient.connect(gateway.port);
    const early = [message('\0', 'abc'), query('select 1')] as const;
    client.send(startup(), early[0].subarray(0, 6));
    const database = await arrived;
    expect(await received(database, startup().length)).to.deep.equal(startup());
    client.send(early[0].subarray(6), early[1]);
    database.write(Buffer.concat([authenticationOk, ready]));
    const sent = Buffer.concat(early);
    expect(await received(database, sent.length)).to.deep.equal(sent);
    expect(queries).to.deep.equal(['Unknown', 'Query']);
  });

  it('leaves one cancel key behind however many the database sends: the last', async () => {
    using client = await WireClient.connect(gateway.port);
    client.send(startup());
    const database = await arrived;
    database.write(Buffer.concat([authenticationOk, message('K', 'aaaabbbb'), message('K', 'ccccdddd'), ready]));
    await client.until('Z');
    const cancelled: string[] = [];
    server.on('connection', (socket) => {
      socket.on('data', (packet) => {
        cancelled.push(packet.toString('latin1', 8));
        socket.end();
      });
    });
    for (const key of ['aaaabbbb', 'ccccdddd']) {
      using canceller = await WireClient.connect(gateway.port);
      const processId = Buffer.from(key).readInt32BE(0);
      canceller.send(encodeStartupPacket({ name: 'CancelRequest', processId, secretKey: Buffer.from(key.slice(4)) }));
      await canceller.rest();
      await canceller.closed;
    }
    expect(cancelled).to.deep.equal(['ccccdddd']);
  });
});

/** So many bytes that a socket gets, or a few more. */
async function received(socket: Socket, length: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < length) bytes = Buffer.concat([bytes, ((await once(socket, 'data')) as [Buffer])[0]]);
  return bytes;
}
