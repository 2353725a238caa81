import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { BackendTls } from '../../lib/network/backend-tls.ts';
import { CancelRegistry, sendCancel } from '../../lib/network/cancel-registry.ts';
import { encrypted, type Endpoint } from '../../lib/network/endpoint.ts';
import { silentLogger } from '../../lib/logger.ts';
import { encodeStartupPacket } from '../../lib/protocol/startup.ts';
import { certificate, certificateFile } from '../support/certificates.ts';
import { until } from '../support/until.ts';

const secretKey = Buffer.alloc(256, 7);
const key = Buffer.concat([Buffer.from([0, 0, 4, 210]), secretKey]);
const packet = encodeStartupPacket({ name: 'CancelRequest', processId: 1234, secretKey });

describe('sending a cancel to a database', () => {
  let behave: (socket: Socket) => unknown;
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    behave(socket);
  });
  let endpoint: Endpoint;

  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    endpoint = { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  });
  after(() => server.close());
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
  });

  it('repeats the key, of 256 bytes too, and is over when the database closes', async () => {
    let got = Buffer.alloc(0);
    behave = (socket) =>
      socket.on('data', (chunk: Buffer) => {
        got = Buffer.concat([got, chunk]);
        if (got.length === packet.length) socket.end();
      });
    await sendCancel(endpoint, key);
    expect(got).to.deep.equal(packet);
  });

  for (const [what, how] of [
    ['says nothing', (socket: Socket) => socket.resume()],
    ['never stops talking', (socket: Socket) => setInterval(() => socket.write('x'), 5).unref()],
    ['does not read', (socket: Socket) => socket.pause()],
  ] as const) {
    it(`gives a database up that ${what}, and leaves no connection`, async () => {
      behave = how;
      await sendCancel(endpoint, key, 150);
      // What it has not read keeps its side open.
      for (const socket of sockets) socket.resume();
      await until(() => sockets.size === 0);
    });
  }

  it('gives a database up that does not get on with TLS', async () => {
    behave = (socket) => socket.resume();
    const config = { mode: 'require', negotiation: 'postgres', caFile: '', certFile: '', keyFile: '', serverName: '' };
    const tls = new BackendTls('default.writes', config as never, '.', silentLogger());
    await sendCancel(encrypted(endpoint, tls), key, 150);
    await until(() => sockets.size === 0);
  });

  it('goes over TLS where connections to the database do, its certificate checked', async () => {
    const config = {
      mode: 'verify-ca',
      negotiation: 'direct',
      caFile: certificateFile('authority.pem'),
      certFile: '',
      keyFile: '',
      serverName: '',
    };
    const tls = new BackendTls('default.writes', config as never, '.', silentLogger());
    const identity = (name: string): object => ({ cert: certificate(`${name}.pem`), key: certificate(`${name}.key`) });
    for (const [name, received] of [
      ['server', packet.length],
      ['stranger', 0],
    ] as const) {
      let length = 0;
      behave = (socket) => {
        const secured = new TLSSocket(socket, { isServer: true, ALPNProtocols: ['postgresql'], ...identity(name) });
        secured
          .on('error', () => undefined)
          .on('data', (chunk: Buffer) => {
            length += chunk.length;
            if (length === packet.length) secured.end();
          });
      };
      await sendCancel(encrypted(endpoint, tls), key, 5000);
      expect(length).to.equal(received);
    }
  });

  it('is done ten times at once for one backend at most', async () => {
    behave = (socket) => socket.resume();
    connections = 0;
    const registry = new CancelRegistry();
    const forget = registry.add(key, endpoint);
    const sent = Array.from({ length: 50 }, () => registry.cancel(packet));
    await until(() => connections === 10);
    for (const socket of sockets) socket.destroy();
    await Promise.all(sent);
    await forget();
    expect(connections).to.equal(10);
    await registry.cancel(packet);
    expect(connections).to.equal(10);
  });
});
