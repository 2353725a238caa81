import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect } from 'chai';
import { forkGateway } from '../support/forked-gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { message, query, WireClient } from '../support/wire-client.ts';

const welcome = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', 'I')]);
const mebibyte = Buffer.alloc(1024 * 1024, 'x');

/** A database that lets everybody in and answers each later chunk as it is told. */
async function fakeDatabase(answer: (socket: Socket) => Promise<void>): Promise<{ address: string; close(): void }> {
  const server = createServer((socket) => {
    let known = false;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      if (known) void answer(socket);
      else socket.write(welcome);
      known = true;
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { address, close: () => server.close() };
}

/** A DataRow with one value of so many mebibytes, in pieces. */
async function sendRow(socket: Socket, mebibytes: number): Promise<void> {
  const length = mebibytes * mebibyte.length;
  const head = Buffer.alloc(11);
  head.write('D');
  head.writeInt32BE(length + 10, 1);
  head.writeInt16BE(1, 5);
  head.writeInt32BE(length, 7);
  socket.write(head);
  for (let sent = 0; sent < mebibytes; sent++) if (!socket.write(mebibyte)) await once(socket, 'drain');
}

describe('a value of one gibibyte', () => {
  it('passes in both directions, and the memory of the gateway stays as it was', async () => {
    const database = await fakeDatabase(async (socket) => {
      socket.removeAllListeners('data').resume();
      await sendRow(socket, 1024);
      socket.write(message('Z', 'I'));
    });
    await using gateway = await forkGateway({ network: 'tcp', address: database.address }, false);
    using client = await WireClient.open(gateway.port);
    await gateway.mark();
    const received = { bytes: 0 };
    client.socket.on('data', (chunk: Buffer) => (received.bytes += chunk.length));
    const copied = 1024 * mebibyte.length;
    const head = message('d');
    head.writeInt32BE(copied + 4, 1);
    client.socket.write(head);
    for (let sent = 0; sent < 1024; sent++) if (!client.socket.write(mebibyte)) await once(client.socket, 'drain');
    while (received.bytes < copied + 11 + 6) await once(client.socket, 'data');
    expect(received.bytes).to.equal(copied + 11 + 6);
    expect(await gateway.growth()).to.be.lessThan(64 * mebibyte.length);
    database.close();
  });
});

describe('a value of 256 MiB that a plugin reads in pieces', () => {
  it('comes back from PostgreSQL as it was sent, and the memory of the gateway stays as it was', async () => {
    await using gateway = await forkGateway(await sharedPostgres(), 'reading');
    using client = await WireClient.open(gateway.port);
    client.send(
      query('create temp table copied (value text); alter table copied alter value set storage external'),
      query('copy copied from stdin'),
    );
    await client.until('G');
    await gateway.mark();
    const copied = 256;
    const sent = createHash('md5');
    const head = message('d');
    head.writeInt32BE(copied * mebibyte.length + 1 + 4, 1);
    client.socket.write(head);
    for (let count = 0; count < copied; count++) {
      const part = Buffer.from(randomBytes(mebibyte.length / 2).toString('hex'));
      sent.update(part);
      if (!client.socket.write(part)) await once(client.socket, 'drain');
    }
    client.send(Buffer.from('\n'), message('c'));
    await client.until('Z');
    client.send(query('select value from copied'));
    await client.until('T');
    await client.bytes(11);
    const received = createHash('md5');
    for (let left = copied * mebibyte.length; left > 0;) {
      const part = await client.bytes(Math.min(left, 65_536));
      received.update(part);
      left -= part.length;
    }
    await client.until('Z');
    expect(received.digest('hex')).to.equal(sent.digest('hex'));
    const growth = await gateway.growth();
    expect(growth).to.be.lessThan(64 * mebibyte.length);
  });
});
