import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect as connectNet } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { checkConfig } from '../../lib/config/check.ts';
import { Generations } from '../../lib/hooks/generation.ts';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { silentLogger } from '../../lib/logger.ts';
import { Gateway } from '../../lib/network/gateway.ts';
import { caught } from '../support/caught.ts';
import { certificate, certificateFile } from '../support/certificates.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { query, sslRequest, startup, WireClient } from '../support/wire-client.ts';

const ca = certificate('authority.pem');
const files = { certFile: certificateFile('server.pem'), keyFile: certificateFile('server.key') };
const identity = (name: string): { cert: string; key: string } => ({
  cert: certificate(`${name}.pem`),
  key: certificate(`${name}.key`),
});
const start = async (server: Readonly<Record<string, unknown>> = {}): Promise<SpecGateway> =>
  startGateway({ database: await sharedPostgres(), server: { enableTLS: true, ...files, ...server } });

/** Begins with TLS, as libpq 17 does with sslnegotiation=direct. */
async function direct(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', ca, ALPNProtocols: ['postgresql'], ...options });
  await once(socket, 'secureConnect');
  return socket;
}

const warnings = ({ log }: SpecGateway): string[] => log.filter(({ level }) => level > 30).map(({ msg }) => msg);

describe('TLS that is negotiated directly', () => {
  let gateway: SpecGateway;
  before(async () => {
    gateway = await start();
  });
  after(() => gateway[Symbol.asyncDispose]());

  it('opens an encrypted session', async () => {
    using client = new WireClient(await direct(gateway.port));
    client.send(startup());
    await client.until('Z');
    client.send(query('select 1'));
    await client.until('Z');
  });

  it('takes the handshake byte by byte', async () => {
    using raw = await WireClient.connect(gateway.port);
    const far = new WireClient(raw.socket);
    const trickle = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        for (const byte of chunk) far.socket.write(Buffer.from([byte]));
        done();
      },
    });
    far.socket.on('data', (chunk: Buffer) => void trickle.push(chunk));
    const socket = connectTls({ socket: trickle, ca, servername: 'localhost', ALPNProtocols: ['postgresql'] });
    await once(socket, 'secureConnect');
    using client = new WireClient(socket);
    client.send(startup());
    await client.until('Z');
  });

  it('is refused without ALPN, and with the name of another protocol', async () => {
    using client = new WireClient(await direct(gateway.port, { ALPNProtocols: [] }));
    expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '08P01' });
    const error = await caught(direct(gateway.port, { ALPNProtocols: ['h2'] }));
    expect(error)
      .to.have.property('code')
      .that.matches(/NO_APPLICATION_PROTOCOL|ECONNRESET/);
  });

  it('is not answered, and logged once, where the server has no TLS', async () => {
    await using plain = await startGateway({ database: await sharedPostgres() });
    await caught(direct(plain.port));
    await until(() => warnings(plain).length > 0);
    expect(warnings(plain)).to.deep.equal(['the client began with TLS, which this server does not have']);
  });

  it('that breaks off, stalls or is garbage is one line in the log', async () => {
    await using short = await start({ handshakeTimeout: '100ms' });
    const hello = Buffer.from('160301020001000200', 'hex');
    using stalling = await WireClient.connect(short.port);
    stalling.send(hello);
    await stalling.bytes(100);
    using garbage = await WireClient.connect(short.port);
    garbage.send(Buffer.concat([Buffer.from('1603010005', 'hex'), Buffer.from('nonsense')]));
    await garbage.bytes(100);
    using leaving = await WireClient.connect(short.port);
    leaving.send(hello);
    leaving.socket.resetAndDestroy();
    await until(() => warnings(short).length === 3);
    expect(warnings(short)[0]).to.equal('the TLS handshake failed: it took longer than 100 ms');
    for (const line of warnings(short)) expect(line).to.match(/^the TLS handshake failed: /);
    await until(() => short.gateway.sessions === 0);
    using good = new WireClient(await direct(short.port));
    good.send(startup());
    await good.until('Z');
  });
});

describe('a client that ends before its TLS handshake', () => {
  it('is not waited for, and said to have gone', async () => {
    await using gateway = await start({ handshakeTimeout: '1h', loginTimeout: '0s' });
    using client = await WireClient.connect(gateway.port);
    client.send(sslRequest);
    await client.bytes(1);
    // As psql does where it finds that it lacks the authority's certificate.
    client.socket.end();
    await until(() => warnings(gateway).length === 1);
    expect(warnings(gateway)).to.deep.equal(['the TLS handshake failed: the client went away in the middle of it']);
    await until(() => gateway.gateway.sessions === 0);
  });
});

describe('a server that requires TLS', () => {
  let gateway: SpecGateway;
  before(async () => {
    gateway = await start({ requireTLS: true });
  });
  after(() => gateway[Symbol.asyncDispose]());

  it('turns a client away that does not encrypt, with 28000', async () => {
    expect(await caught(gateway.client().connect())).to.include({ code: '28000' });
  });

  it('lets in a client that does', async () => {
    const client = gateway.client({ ssl: { ca } });
    await client.connect();
    await client.end();
  });
});

describe('certificates of clients', () => {
  const authority = { clientCaFile: certificateFile('authority.pem') };
  const connect = async (gateway: SpecGateway, name: string | null, user = 'postgres'): Promise<Error | null> => {
    const client = gateway.client({ user, ssl: { ca, ...(name === null ? {} : identity(name)) } });
    const error = await client.connect().then(
      () => null,
      (reason: Error) => reason,
    );
    await client.end();
    return error;
  };

  it('of verify-full must have the name of the user, or a name that stands for the user', async () => {
    await using gateway = await start(authority);
    expect(await connect(gateway, 'client')).to.equal(null);
    const guest = await connect(gateway, 'guest');
    expect(guest).to.include({ code: '28000' });
    expect(guest?.message).to.equal("the client's certificate is for 'guest', who may not log in as 'postgres'");
    const clientNames = [{ name: 'guest.example', user: 'postgres' }];
    await using mapped = await start({ ...authority, clientNames });
    expect(await connect(mapped, 'guest')).to.equal(null);
    const names = [{ name: 'postgres', user: 'somebody' }];
    await using renamed = await start({ ...authority, clientNames: names });
    expect(await connect(renamed, 'client')).to.include({ code: '28000' });
  });

  it('must be shown, and be of an authority of the server', async () => {
    await using gateway = await start({ ...authority, clientCertificate: 'verify-ca' });
    expect(await connect(gateway, 'guest')).to.equal(null);
    expect((await connect(gateway, null))?.message).to.equal('the connection needs a client certificate');
    expect((await connect(gateway, 'stranger'))?.message).to.match(/^the client's certificate is not accepted: /);
  });

  it('cannot be got around by not encrypting', async () => {
    for (const clientCertificate of ['verify-ca', 'verify-full']) {
      await using gateway = await start({ ...authority, clientCertificate });
      expect(await caught(gateway.client().connect())).to.include({ code: '28000' });
    }
  });

  it('may be left out where they are optional, and are checked where they are not', async () => {
    await using gateway = await start({ ...authority, clientCertificate: 'optional' });
    expect(await connect(gateway, null)).to.equal(null);
    expect(await connect(gateway, 'client')).to.equal(null);
    expect(await connect(gateway, 'stranger')).to.include({ code: '28000' });
  });

  it('are checked again when the TLS session is resumed', async () => {
    await using gateway = await start(authority);
    const first = await direct(gateway.port, { ...identity('client') });
    const session = once(first, 'session') as Promise<[Buffer]>;
    using client = new WireClient(first);
    client.send(startup());
    await client.until('Z');
    const resumed = await direct(gateway.port, { ...identity('client'), session: (await session)[0] });
    using again = new WireClient(resumed);
    again.send(startup());
    await again.until('Z');
    using other = new WireClient(await direct(gateway.port, { ...identity('client'), session: (await session)[0] }));
    other.send(startup({ user: 'somebody' }));
    expect(await other.lastWords()).to.include({ sqlstate: '28000' });
  });
});

describe('the certificate of a server', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'gatewayd-spec-'));
    put('server');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (name: string): void => {
    for (const kind of ['pem', 'key'])
      copyFileSync(certificateFile(`${name}.${kind}`), path.join(folder, `used.${kind}`));
  };
  const startHere = (): Promise<SpecGateway> =>
    start({ certFile: path.join(folder, 'used.pem'), keyFile: path.join(folder, 'used.key') });
  const shown = async (gateway: SpecGateway): Promise<string> => {
    using client = new WireClient(await direct(gateway.port));
    return new X509Certificate((client.socket as TLSSocket).getPeerCertificate().raw).fingerprint256;
  };
  const fingerprint = (name: string): string => new X509Certificate(certificate(`${name}.pem`)).fingerprint256;

  it('is read again when its files change; what cannot be used is said once, and the old one stays', async () => {
    await using gateway = await startHere();
    expect(await shown(gateway)).to.equal(fingerprint('server'));
    using old = new WireClient(await direct(gateway.port));
    old.send(startup());
    await old.until('Z');
    put('renewed');
    await until(() => gateway.log.some(({ msg }) => msg.startsWith('the TLS certificate changed')));
    expect(await shown(gateway)).to.equal(fingerprint('renewed'));
    old.send(query('select 1'));
    await old.until('Z');
    writeFileSync(path.join(folder, 'used.pem'), '');
    await until(() => gateway.log.some(({ code }) => code === 'NETWORK_TLS_FILES'));
    expect(await shown(gateway)).to.equal(fingerprint('renewed'));
    expect(warnings(gateway).filter((line) => line.startsWith('the TLS files changed'))).to.have.length(1);
  });

  it('is read again with the configuration, and changes nothing where it cannot be used', async () => {
    await using gateway = await startHere();
    const { network, address } = await sharedPostgres();
    const config = await checkConfig({
      clients: { default: { writes: { network, address } } },
      servers: {
        default: {
          address: '127.0.0.1:0',
          enableTLS: true,
          certFile: path.join(folder, 'used.pem'),
          keyFile: path.join(folder, 'used.key'),
        },
      },
    });
    put('renewed');
    await gateway.gateway.reconfigure(config);
    expect(await shown(gateway)).to.equal(fingerprint('renewed'));
    copyFileSync(certificateFile('server.pem'), path.join(folder, 'used.pem'));
    const error = await caught(gateway.gateway.reconfigure(config));
    expect(error).to.include({ code: 'NETWORK_TLS_FILES' });
    expect(error.message).to.contain('the key is of another certificate');
    expect(await shown(gateway)).to.equal(fingerprint('renewed'));
  });

  it('may be named relative to the folder of the configuration', async () => {
    const config = await checkConfig({
      servers: { default: { address: '127.0.0.1:0', enableTLS: true, certFile: 'used.pem', keyFile: './used.key' } },
    });
    const generations = new Generations(createHooks());
    const options = { config, generations, logger: silentLogger() };
    expect(() => new Gateway(options)).to.throw(/ENOENT/);
    expect(() => new Gateway({ ...options, directory: folder })).not.to.throw();
  });
});

describe('requests for encryption', () => {
  it('are answered with N on a Unix socket, as PostgreSQL does', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'gatewayd-spec-'));
    try {
      const address = path.join(folder, '.s.PGSQL.5432');
      await using gateway = await start({ network: 'unix', address, requireTLS: true });
      const socket = connectNet({ path: address, allowHalfOpen: true });
      await once(socket, 'connect');
      using client = new WireClient(socket);
      client.send(sslRequest);
      expect(String(await client.bytes(1))).to.equal('N');
      client.send(startup());
      await client.until('Z');
      expect(gateway.gateway.sessions).to.equal(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
