import { expect } from 'chai';
import * as fc from 'fast-check';
import { parseErrorFields } from '../../lib/protocol/error-response.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { message, query, startup, WireClient } from '../support/wire-client.ts';

const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const parse = (sql: string): Buffer => message('P', Buffer.concat([Buffer.from(`\0${sql}\0`), int16(0)]));
const bind = message('B', Buffer.concat([Buffer.from('\0\0'), int16(0), int16(0), int16(0)]));
const execute = message('E', Buffer.from('\0\0\0\0\0'));
const sync = message('S');

describe('the relay', () => {
  let gateway: SpecGateway;

  before(async () => {
    gateway = await startGateway({ database: await sharedPostgres() });
  });
  after(() => gateway[Symbol.asyncDispose]());

  const types = (messages: readonly { readonly type: string }[]): string => messages.map(({ type }) => type).join('');

  it('passes a conversation on wherever its bytes are cut', async () => {
    const bytes = Buffer.concat([
      query("select 'one'; select 'two'"),
      query(''),
      parse('select 3'),
      bind,
      execute,
      sync,
      message('X'),
    ]);
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cuts, async (positions) => {
        using client = await WireClient.open(gateway.port);
        client.socket.setNoDelay(true);
        let start = 0;
        for (const end of [...positions.sort((a, b) => a - b), bytes.length]) {
          client.send(bytes.subarray(start, end));
          start = end;
          await new Promise((resolve) => setImmediate(resolve));
        }
        expect(types(await client.rest())).to.equal('TDCTDCZIZ12DCZ');
      }),
      { numRuns: 30 },
    );
  });

  it('passes on answers of exactly the size of a buffer, and one more, and one less', async () => {
    using client = await WireClient.open(gateway.port);
    for (const multiple of [8192, 16_384, 65_536]) {
      for (const size of [multiple - 1, multiple, multiple + 1]) {
        client.send(query(`select repeat('z', ${size - 4 - 2 - 5})`));
        const row = (await client.until('Z')).find(({ type }) => type === 'D')!;
        expect(row.body.length + 5).to.equal(size);
      }
    }
  });

  it('carries a COPY whose Sync came along with its Execute, one that is given up, and one that is refused', async () => {
    using client = await WireClient.open(gateway.port);
    client.send(query('create temporary table copied (n int)'));
    await client.until('Z');
    client.send(parse('copy copied from stdin'), bind, execute, sync);
    expect(types(await client.until('G'))).to.equal('12G');
    client.send(message('d', '1\n'), message('d', '2\n'), message('c'), sync);
    expect(types(await client.until('Z'))).to.equal('CZ');
    client.send(query('copy copied from stdin'));
    await client.until('G');
    client.send(message('d', '3\n'), message('f', 'changed my mind\0'));
    expect(types(await client.until('Z'))).to.equal('EZ');
    client.send(query('copy copied from stdin'));
    await client.until('G');
    client.send(message('d', 'no number\n'), message('c'));
    expect(types(await client.until('Z'))).to.equal('EZ');
    client.send(query('select count(*) from copied'));
    expect(
      (await client.until('Z'))
        .find(({ type }) => type === 'D')!
        .body.subarray(6)
        .toString(),
    ).to.equal('2');
  });

  it('lets a client that has ended its side read its answers', async () => {
    using client = await WireClient.open(gateway.port);
    client.send(query("select repeat('x', 1000000)"));
    client.socket.end();
    expect(types(await client.rest())).to.equal('TDCZ');
    await client.closed;
  });

  it('tells a client of an impossible length with 08P01, and the database that it went', async () => {
    using client = await WireClient.open(gateway.port);
    client.send(Buffer.from([0x51, 0, 0, 0, 3]));
    expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '08P01' });
    await client.closed;
  });

  it("passes the database's own FATAL on, once, and adds nothing", async () => {
    using client = await WireClient.open(gateway.port);
    client.send(message('!'));
    const errors = (await client.rest()).filter(({ type }) => type === 'E');
    expect(errors.map(({ body }) => parseErrorFields(body).sqlstate)).to.deep.equal(['08P01']);
    using stranger = await WireClient.connect(gateway.port);
    stranger.send(startup({ database: 'nowhere' }));
    const refused = (await stranger.rest()).filter(({ type }) => type === 'E');
    expect(refused.map(({ body }) => parseErrorFields(body).sqlstate)).to.deep.equal(['3D000']);
  });

  it('gives the place in the pool back however a client goes, in the middle of whatever', async () => {
    await using small = await startGateway({ database: await sharedPostgres(), pool: { size: 1 } });
    const goings: ((client: WireClient) => unknown)[] = [
      (client) => client.send(message('X')),
      (client) => client.socket.end(),
      (client) => client.socket.resetAndDestroy(),
      (client) => client.send(Buffer.from([0x51, 0, 0, 1, 0, 0x73])).socket.destroy(),
      (client) => client.send(query("select repeat('x', 1000000) from generate_series(1, 100)")).socket.destroy(),
      (client) => client.send(query('begin; select 1')).socket.resetAndDestroy(),
    ];
    for (const go of goings) go(await WireClient.open(small.port));
    using last = await WireClient.open(small.port);
    last.send(query('select 1'));
    await last.until('Z');
  });

  it('leaves no timer and no socket behind', async () => {
    const resources = (): string[] =>
      process.getActiveResourcesInfo().filter((name) => /^(Timeout|TCPSocketWrap|PipeWrap)$/.test(name));
    const own = await startGateway({ database: await sharedPostgres() });
    const before = resources();
    for (let round = 0; round < 20; round += 1) {
      const client = await WireClient.open(own.port);
      if (round % 2 === 0) client.socket.resetAndDestroy();
      else client.send(message('X'));
      await client.rest();
      await client.closed;
    }
    await own.gateway.close();
    expect(resources().length).to.be.at.most(before.length);
  });
});
