import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { ServerCredentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import { buildReport } from '../../plugins/telemetry/report.ts';
import { encodeReport } from '../../plugins/telemetry/encode-report.ts';
import { sendReport } from '../../plugins/telemetry/send-report.ts';
import { caught } from '../support/caught.ts';
import { Collector } from '../support/collector.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/telemetry/${name}`, import.meta.url));
const plugin = { name: 'known-plugin', version: '1.2.3', checksum: 'ab'.repeat(32), private: false };
const report = buildReport(
  { version: '1.0.0', devMode: true, plugins: [plugin] },
  { plugins: 'all', publicChecksums: new Set() },
);
const encoded = encodeReport(report);
const plain = { tls: false, caFile: '' };

const secured = () => {
  const pair = {
    cert_chain: readFileSync(fixture('localhost.pem')),
    private_key: readFileSync(fixture('localhost.key')),
  };
  return ServerCredentials.createSsl(null, [pair]);
};

describe('sending the usage report', () => {
  let collector: Collector;
  let life: AbortController;

  beforeEach(() => {
    collector = new Collector();
    life = new AbortController();
  });

  afterEach(() => {
    life.abort();
    collector.close();
  });

  const send = (address: string, to: object = {}) =>
    sendReport(encoded, { ...plain, address, ...to }, { signal: life.signal });

  it('delivers the seven fields to a collector that shares no code with us', async () => {
    const port = await collector.listen();
    await send(`127.0.0.1:${port}`);
    expect(collector.reports).to.have.length(1);
    const [{ message, bytes }] = collector.reports as [(typeof collector.reports)[0]];
    expect(message).to.deep.equal(report);
    expect(bytes.equals(encoded)).to.equal(true);
  });

  it('sends no metadata at all', async () => {
    const port = await collector.listen();
    await send(`127.0.0.1:${port}`);
    expect(collector.reports[0]!.metadata).to.deep.equal({});
  });

  for (const [host, address] of [
    ['127.0.0.1', '127.0.0.1:0'],
    ['::1', '[::1]:0'],
  ] as const) {
    it(`finds a collector on localhost that listens on ${host} only`, async () => {
      const port = await collector.listen(address);
      await send(`localhost:${port}`);
      expect(collector.reports).to.have.length(1);
    });
  }

  it('takes an IPv6 address in brackets', async () => {
    const port = await collector.listen('[::1]:0');
    await send(`[::1]:${port}`);
    expect(collector.reports).to.have.length(1);
  });

  for (const host of ['localhost', '127.0.0.1']) {
    it(`delivers by TLS to ${host} when the authority is the one given`, async () => {
      const port = await collector.listen('127.0.0.1:0', secured());
      await send(`${host}:${port}`, { tls: true, caFile: fixture('authority.pem') });
      expect(collector.reports).to.have.length(1);
    });
  }

  it('prints no warning over TLS to an IP address', async () => {
    const warnings: Error[] = [];
    const listener = (warning: Error) => void warnings.push(warning);
    process.on('warning', listener);
    const port = await collector.listen('127.0.0.1:0', secured());
    await send(`127.0.0.1:${port}`, { tls: true, caFile: fixture('authority.pem') });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listener);
    expect(warnings).to.deep.equal([]);
  });

  it('refuses a certificate of another authority', async () => {
    const port = await collector.listen('127.0.0.1:0', secured());
    await caught(send(`localhost:${port}`, { tls: true, caFile: fixture('stranger.pem') }));
    expect(collector.reports).to.deep.equal([]);
  });

  for (const [where, listens] of [
    ['the first', '127.0.0.1:0'],
    ['the last', '[::1]:0'],
  ] as const) {
    it(`says what is wrong with a certificate where only ${where} address has one to show`, async () => {
      const port = await collector.listen(listens, secured());
      const error = await caught(send(`localhost:${port}`, { tls: true, caFile: fixture('stranger.pem') }));
      expect(error).to.include({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    });
  }

  it('refuses a certificate that the system trusts nobody for', async () => {
    const port = await collector.listen('127.0.0.1:0', secured());
    await caught(send(`localhost:${port}`, { tls: true }));
    expect(collector.reports).to.deep.equal([]);
  });

  it('refuses a certificate for another name', async () => {
    const port = await collector.listen('127.0.0.1:0', secured());
    await caught(send(`other.localhost:${port}`, { tls: true, caFile: fixture('authority.pem') }));
    expect(collector.reports).to.deep.equal([]);
  });

  it('pays no heed to a proxy in the environment', async () => {
    const port = await collector.listen();
    process.env['http_proxy'] = 'http://127.0.0.1:1';
    try {
      await send(`127.0.0.1:${port}`);
    } finally {
      delete process.env['http_proxy'];
    }
    expect(collector.reports).to.have.length(1);
  });

  for (const address of ['', 'nonsense', 'host:', ':1', 'a:b:1', 'http://host:1', 'host:123456', 'host:65536']) {
    it(`names the address when it is ${JSON.stringify(address)}`, async () => {
      const error = await caught(send(address));
      expect(error).to.include({ code: 'TELEMETRY_BAD_ADDRESS' });
    });
  }

  it('fails at once where nothing listens', async () => {
    const port = await collector.listen();
    collector.close();
    expect(await caught(send(`localhost:${port}`))).to.include({ code: 'ECONNREFUSED' });
  });

  it('gives up when told to, though the collector accepts and stays silent', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const connected = once(server, 'connection');
    const sending = caught(send(`127.0.0.1:${(server.address() as AddressInfo).port}`));
    const [socket] = (await connected) as [import('node:net').Socket];
    const closed = once(
      socket.resume().on('error', () => {}),
      'close',
    );
    life.abort();
    expect(await sending).to.include({ name: 'AbortError' });
    await closed;
    server.close();
  });

  it('gives up when told to, though the TLS handshake stalls', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const connected = once(server, 'connection');
    const sending = caught(
      send(`127.0.0.1:${(server.address() as AddressInfo).port}`, { tls: true, caFile: fixture('authority.pem') }),
    );
    const [socket] = (await connected) as [import('node:net').Socket];
    const closed = once(
      socket.on('error', () => {}),
      'close',
    );
    await once(socket, 'data');
    life.abort();
    await sending;
    await closed;
    server.close();
  });

  it('takes no answer that is longer than an empty one could be', async () => {
    const server = createHttp2Server();
    server.on('stream', (stream) => {
      stream.on('error', () => {});
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      const header = Buffer.alloc(5);
      header.writeUInt32BE(1 << 30, 1);
      stream.write(header);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    expect(await caught(send(`127.0.0.1:${(server.address() as AddressInfo).port}`))).to.include({
      code: 'TELEMETRY_ENDLESS_ANSWER',
    });
    server.close();
  });

  it('is not sent at all when it is over before it began', async () => {
    const port = await collector.listen();
    life.abort();
    await caught(send(`127.0.0.1:${port}`));
    expect(collector.reports).to.deep.equal([]);
  });
});
