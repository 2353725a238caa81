import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { Client } from 'pg';
import { Link } from '../../lib/network/link.ts';
import { type ForkedGateway, forkGateway } from '../support/forked-gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { query, WireClient } from '../support/wire-client.ts';

const limit = 64 * 1024 * 1024;

/** Reads until the answer is over; only its size is kept. */
async function sizeOfAnswer(client: WireClient): Promise<number> {
  let size = 0;
  let last = Buffer.alloc(0);
  for await (const chunk of client.socket as AsyncIterable<Buffer>) {
    size += chunk.length;
    last = Buffer.concat([last, chunk.subarray(-6)]).subarray(-6);
    if (last.equals(Buffer.from([0x5a, 0, 0, 0, 5, 0x49]))) break;
  }
  return size;
}

for (const [who, tapped, rows] of [
  ['that no plugin looks into', false, 1074],
  ['whose every message a plugin looks at', true, 300],
] as const) {
  describe(`the memory of a gateway ${who}`, () => {
    let gateway: ForkedGateway;

    before(async () => {
      gateway = await forkGateway(await sharedPostgres(), tapped);
      using warm = await WireClient.open(gateway.port);
      warm.send(query("select repeat('x', 1000000) from generate_series(1, 50)"));
      await warm.until('Z');
    });
    after(() => gateway[Symbol.asyncDispose]());

    it(`grows by less than 64 MiB while a result of ${rows} MB passes`, async () => {
      using client = await WireClient.open(gateway.port);
      await gateway.mark();
      client.send(query(`select repeat('x', 1000000) from generate_series(1, ${rows})`));
      expect(await sizeOfAnswer(client)).to.be.greaterThan(rows * 1_000_000);
      expect(await gateway.growth()).to.be.lessThan(limit);
    });

    it('grows by less than 64 MiB while a client does not read: the database waits for it instead', async () => {
      using client = await WireClient.open(gateway.port);
      await gateway.mark();
      client.send(query("select repeat('x', 1000000) from generate_series(1, 200)"));
      const { host, port, user, database } = await sharedPostgres();
      const watching = new Client({ host, port, user, database });
      await watching.connect();
      const blocked = "select 1 from pg_stat_activity where wait_event = 'ClientWrite'";
      while ((await watching.query(blocked)).rowCount === 0);
      await watching.end();
      expect(await gateway.growth()).to.be.lessThan(limit);
      expect(await sizeOfAnswer(client)).to.be.greaterThan(200_000_000);
      expect(await gateway.growth()).to.be.lessThan(limit);
    });
  });
}

describe('a link', () => {
  /** Both ends of a connection. */
  async function pair(): Promise<[near: Socket, far: Socket]> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const near = connect((server.address() as { port: number }).port, '127.0.0.1');
    const [far] = (await once(server, 'connection')) as [Socket];
    server.close();
    return [near, far];
  }

  for (const direction of ['toServer', 'toClient'] as const) {
    it(`does not read one side while the other does not take what it is given (${direction})`, async () => {
      const [client, clientPeer] = await pair();
      const [server, serverPeer] = await pair();
      const link = new Link(client, server);
      const [source, sink, peer] =
        direction === 'toServer' ? [client, server, serverPeer] : [server, client, clientPeer];
      source.resume();
      const chunk = Buffer.alloc(65_536);
      let written = 0;
      while (!source.isPaused()) {
        link[direction](chunk);
        written += chunk.length;
        expect(written).to.be.lessThan(limit);
      }
      expect(sink.writableLength).to.be.at.most(chunk.length);
      const resumed = once(source, 'resume');
      sink.end();
      let arrived = 0;
      for await (const bytes of peer as AsyncIterable<Buffer>) arrived += bytes.length;
      await resumed;
      expect(arrived).to.equal(written);
      link.detach();
      expect(sink.listenerCount('drain')).to.equal(0);
      for (const socket of [client, clientPeer, server, serverPeer]) socket.destroy();
    });
  }
});
