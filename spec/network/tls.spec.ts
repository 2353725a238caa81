import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { caught } from '../support/caught.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { sslRequest, startup, WireClient } from '../support/wire-client.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/telemetry/${name}`, import.meta.url));

describe('TLS to clients', () => {
  const files = { certFile: fixture('localhost.pem'), keyFile: fixture('localhost.key') };
  const ca = readFileSync(fixture('authority.pem'), 'utf8');
  let gateway: SpecGateway;
  const hooks = createHooks();
  const encrypted: boolean[] = [];
  hooks.opened.tap('spec', ({ tls }) => void encrypted.push(tls));

  before(async () => {
    const server = { enableTLS: true, handshakeTimeout: '100ms', ...files };
    gateway = await startGateway({ database: await sharedPostgres(), hooks, server });
  });
  after(() => gateway[Symbol.asyncDispose]());
  beforeEach(() => {
    encrypted.length = 0;
  });

  it('encrypts a session whose client checks the certificate, results of any size included', async () => {
    const client = gateway.client({ ssl: { ca } });
    await client.connect();
    const { rows } = await client.query("select repeat('x', 5000000) as big");
    expect(rows[0].big).to.have.length(5_000_000);
    await client.end();
    expect(encrypted).to.deep.equal([true]);
  });

  it('leaves a client alone that does not ask for it', async () => {
    const client = gateway.client();
    await client.connect();
    await client.end();
    expect(encrypted).to.deep.equal([false]);
  });

  it('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const client = gateway.client({ ssl: { ca, minVersion: version, maxVersion: version } });
      await client.connect();
      await client.end();
    }
    const old = { ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await caught(gateway.client({ ssl: old }).connect());
    expect(encrypted).to.deep.equal([true, true]);
  });

  it('refuses what is stuffed behind the request unencrypted', async () => {
    using client = await WireClient.connect(gateway.port);
    client.send(sslRequest, startup());
    expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '08P01' });
  });

  it('ends a connection whose handshake takes too long, or is none', async () => {
    using silent = await WireClient.connect(gateway.port);
    silent.send(sslRequest);
    expect(String(await silent.bytes(1))).to.equal('S');
    expect(await silent.bytes(1)).to.have.length(0);
    using loud = await WireClient.connect(gateway.port);
    loud.send(sslRequest);
    await loud.bytes(1);
    loud.send(startup());
    await loud.rest();
    expect(gateway.gateway.sessions).to.equal(0);
  });

  it('takes no second request for encryption inside the first', async () => {
    using raw = await WireClient.connect(gateway.port);
    raw.send(sslRequest);
    await raw.bytes(1);
    const socket = connectTls({ socket: raw.socket, ca, servername: 'localhost' });
    await once(socket, 'secureConnect');
    using client = new WireClient(socket);
    client.send(sslRequest);
    expect(await client.lastWords()).to.include({ sqlstate: '08P01' });
  });

  it('does not start without a usable certificate', async () => {
    const database = await sharedPostgres();
    const server = { enableTLS: true, certFile: files.keyFile, keyFile: fixture('missing.key') };
    expect(await caught(startGateway({ database, server }))).to.include({ code: 'NETWORK_TLS_FILES' });
  });
});
