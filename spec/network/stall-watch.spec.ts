import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { parseErrorFields } from '../../lib/protocol/error-response.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { startTlsPostgres } from '../support/tls-postgres.ts';
import { message, query, startup, WireClient } from '../support/wire-client.ts';

const start = async (client: Readonly<Record<string, unknown>>): Promise<SpecGateway> =>
  startGateway({ database: await sharedPostgres(), client });
const sleeping = (seconds: number): Buffer => query(`select pg_sleep(${seconds})`);
/** Takes longer than the limit, and says something all the while. */
const notices = `do $$ begin for round in 1..12 loop raise notice 'x'; perform pg_sleep(0.05); end loop; end $$`;

describe('limits of the time of a database connection', () => {
  // The database does not notice that nobody waits any more before a query is over.
  afterEach(async () => {
    await using gateway = await start({});
    const client = gateway.client();
    await client.connect();
    await client.query("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'");
    await client.end();
  });

  it('receiveTimeout ends a session whose database owes an answer and is silent, and no other', async () => {
    await using gateway = await start({ receiveTimeout: '300ms' });
    using idle = await WireClient.open(gateway.port);
    using inTransaction = await WireClient.open(gateway.port);
    inTransaction.send(query('begin'));
    await inTransaction.until('Z');
    using talking = await WireClient.open(gateway.port);
    talking.send(query(notices));
    using waiting = await WireClient.open(gateway.port);
    waiting.send(sleeping(60));
    const [error] = await waiting.until('E');
    expect(parseErrorFields(error!.body)).to.include({ severity: 'FATAL', sqlstate: '08006' });
    expect(parseErrorFields(error!.body).message).to.contain('default.writes owed an answer and sent nothing');
    await talking.until('Z');
    idle.send(query('select 1'));
    await idle.until('Z');
    expect(gateway.log.filter(({ code }) => code === 'NETWORK_RECEIVE_TIMEOUT')).to.have.length(1);
  });

  it('receiveTimeout lets a client take its time over what it copies in', async () => {
    await using gateway = await start({ receiveTimeout: '400ms' });
    using client = await WireClient.open(gateway.port);
    client.send(query('create temp table copied (id int)'), query('copy copied from stdin'));
    await client.until('G');
    for (let row = 0; row < 8; row += 1) {
      client.send(message('d', `${row}\n`));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    client.send(message('c'));
    expect((await client.until('Z')).some(({ type }) => type === 'C')).to.equal(true);
  });

  it('receiveDeadline ends a session when its time is over, busy or not', async () => {
    await using gateway = await start({ receiveDeadline: '250ms' });
    using idle = await WireClient.open(gateway.port);
    using busy = await WireClient.open(gateway.port);
    busy.send(sleeping(60));
    for (const client of [idle, busy]) {
      expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '08006' });
    }
    expect(gateway.log.filter(({ code }) => code === 'NETWORK_RECEIVE_DEADLINE')).to.have.length(2);
  });

  it('sendDeadline ends a session whose database takes nothing, and not one that takes its time', async () => {
    let pace: (socket: Socket) => unknown = (socket) => socket.pause();
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write(Buffer.concat([message('R', Buffer.alloc(4)), message('Z', 'I')]));
        pace(socket);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const client = { sendDeadline: '500ms' };
      await using gateway = await startGateway({ database: { network: 'tcp', address }, client });
      const big = query(`select '${'x'.repeat(30_000_000)}'`);
      using stuck = await WireClient.connect(gateway.port);
      stuck.send(startup());
      await stuck.until('Z');
      stuck.send(big);
      expect(await stuck.lastWords()).to.include({ severity: 'FATAL', sqlstate: '08006' });
      expect(gateway.log.some(({ code }) => code === 'NETWORK_SEND_DEADLINE')).to.equal(true);
      pace = (socket) => {
        let taken = 0;
        socket.on('data', (chunk: Buffer) => {
          taken += chunk.length;
          socket.pause();
          setTimeout(() => socket.resume(), 2);
          if (taken >= big.length) socket.write(Buffer.concat([message('C', 'SELECT 1\0'), message('Z', 'I')]));
        });
      };
      using slow = await WireClient.connect(gateway.port);
      slow.send(startup());
      await slow.until('Z');
      slow.send(big);
      await slow.until('Z');
    } finally {
      server.close();
    }
  });

  it('are watched over TLS as well', async () => {
    const database = await startTlsPostgres();
    try {
      const client = { receiveTimeout: '300ms', tls: { mode: 'require' } };
      await using gateway = await startGateway({ database, client });
      using talking = await WireClient.open(gateway.port);
      talking.send(query(notices));
      using waiting = await WireClient.open(gateway.port);
      waiting.send(sleeping(60));
      expect(await waiting.lastWords()).to.include({ sqlstate: '08006' });
      await talking.until('Z');
    } finally {
      await database.stop();
    }
  });
});
