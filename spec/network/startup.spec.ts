import { expect } from 'chai';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { gssRequest, message, query, sslRequest, startup, WireClient } from '../support/wire-client.ts';

describe('the start of a connection', () => {
  let gateway: SpecGateway;
  const hooks = createHooks();
  const opened: string[] = [];
  for (const name of ['opening', 'closing', 'closed'] as const) {
    hooks[name].tap('spec', () => void opened.push(name));
  }

  before(async () => {
    gateway = await startGateway({ database: await sharedPostgres(), hooks, server: { loginTimeout: '250ms' } });
  });
  after(() => gateway[Symbol.asyncDispose]());

  it('answers a request for encryption of each kind with N, and goes on in the clear', async () => {
    using client = await WireClient.connect(gateway.port);
    client.send(gssRequest);
    expect(String(await client.bytes(1))).to.equal('N');
    client.send(sslRequest);
    expect(String(await client.bytes(1))).to.equal('N');
    client.send(startup());
    expect((await client.until('Z')).at(-1)!.body.toString()).to.equal('I');
  });

  it('refuses a second request of a kind with 08P01', async () => {
    using client = await WireClient.connect(gateway.port);
    client.send(sslRequest, sslRequest);
    expect(String(await client.bytes(1))).to.equal('N');
    expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '08P01' });
    await client.closed;
  });

  it('takes a start-up packet that comes byte by byte', async () => {
    using client = await WireClient.connect(gateway.port);
    client.socket.setNoDelay(true);
    for (const byte of startup({ application_name: 'slow' })) client.socket.write(Buffer.from([byte]));
    await client.until('Z');
  });

  it('keeps queries sent along with the start-up packet until the client is logged in', async () => {
    using client = await WireClient.connect(gateway.port);
    client.send(startup(), query("select 'early'"), message('X'));
    await client.until('Z');
    expect((await client.until('Z')).map(({ type }) => type).join('')).to.equal('TDCZ');
    expect(await client.next()).to.equal(null);
  });

  for (const [what, bytes] of [
    ['a length below any packet', Buffer.from([0, 0, 0, 7])],
    ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['a length above what PostgreSQL takes', Buffer.from([0, 0, 0x27, 0x20])],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ] as const) {
    it(`refuses ${what} with 08P01, without waiting for the rest`, async () => {
      using client = await WireClient.connect(gateway.port);
      client.send(bytes);
      expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '08P01' });
      await client.closed;
    });
  }

  it('refuses protocol 2 with 0A000, as PostgreSQL does', async () => {
    using client = await WireClient.connect(gateway.port);
    client.send(Buffer.from([0, 0, 0, 8, 0, 2, 0, 0]));
    expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '0A000' });
  });

  it('passes protocol 3.2 and later on, and what the database makes of it', async () => {
    using newer = await WireClient.connect(gateway.port);
    newer.send(startup({}, 2));
    const key = (await newer.until('Z')).find(({ type }) => type === 'K')!;
    expect(key.body.length).to.be.greaterThan(8);
    using unknown = await WireClient.connect(gateway.port);
    unknown.send(startup({ '_pq_.unheard_of': 'on' }, 9));
    expect((await unknown.until('Z')).map(({ type }) => type)).to.contain('v');
  });

  it('says nothing, logs nothing and calls no plugin for a health check that connects and goes', async () => {
    await until(() => gateway.gateway.sessions === 0);
    const { length } = gateway.log;
    opened.length = 0;
    for (let round = 0; round < 3; round += 1) {
      const client = await WireClient.connect(gateway.port);
      if (round === 1) client.socket.resetAndDestroy();
      else client.socket.end();
      expect(await client.bytes(1)).to.have.length(0);
      client.socket.end();
      await client.closed;
    }
    expect(gateway.log.slice(length)).to.deep.equal([]);
    expect(opened).to.deep.equal([]);
    expect(gateway.gateway.sessions).to.equal(0);
  });

  it('gives a client that does not log in its time, and then 57014', async () => {
    using silent = await WireClient.connect(gateway.port);
    using slow = await WireClient.connect(gateway.port);
    slow.send(startup().subarray(0, 20));
    for (const client of [silent, slow]) {
      expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '57014' });
    }
    expect(gateway.log.filter(({ code }) => code === 'NETWORK_LOGIN_TIMEOUT')).to.have.length(2);
  });

  it('lets a client be that is logged in in time', async () => {
    using client = await WireClient.open(gateway.port);
    using late = await WireClient.connect(gateway.port);
    await late.lastWords();
    client.send(query('select 1'));
    await client.until('Z');
  });

  it('never logs what a start-up packet holds beside user and database', async () => {
    const canary = 'canary-of-the-start-up-packet';
    using client = await WireClient.open(gateway.port, { application_name: canary });
    client.send(query(`select '${canary}'`), message('X'));
    await client.rest();
    await until(() => gateway.gateway.sessions === 0);
    expect(JSON.stringify(gateway.log)).to.contain('session opened').and.not.contain(canary);
  });
});
