import { once } from 'node:events';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { pino } from 'pino';
import { sendUsageReport } from '../../plugins/telemetry/usage-report.ts';
import { Collector } from '../support/collector.ts';
import { ownHome } from '../support/own-home.ts';

Object.assign(process.env, ownHome);

const source = { version: '1.0.0', devMode: false, plugins: [] };
const to = { enabled: true, tls: false, caFile: '', plugins: 'all' } as const;

/** A socket may end on an error, which is no failure here. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.resume().once('close', () => resolve());
  });
}

/** What a collector can do wrong, given a connection. */
const faults: Readonly<Record<string, (socket: Socket) => void>> = {
  'never answers': (socket) => void socket.resume(),
  'resets the connection': (socket) => void socket.resetAndDestroy(),
  'resets the connection once it was spoken to': (socket) => void socket.once('data', () => socket.resetAndDestroy()),
  'closes at once': (socket) => void socket.end(),
  'says one byte a second': (socket) => {
    const timer = setInterval(() => socket.write('\0'), 1_000);
    socket.on('close', () => clearInterval(timer));
    socket.write('\0');
  },
  'is no HTTP/2 and answers with a gigabyte': (socket) => {
    const piece = Buffer.alloc(1024 * 1024, 'x');
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', more);
    more();
  },
};

describe('a usage report to a collector that is not well', () => {
  let server: Server | undefined;
  let lines: { level: number; msg: string; err?: Error }[];

  /** Resolves once nothing of it is left: its promise settled, and the other side's socket closed. */
  async function report(port: number, more: object = {}): Promise<void> {
    const write = (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]);
    const logger = pino({ level: 'debug' }, { write });
    const life = new AbortController();
    await sendUsageReport({ source, to: { ...to, address: `127.0.0.1:${port}`, ...more }, life: life.signal, logger });
  }

  async function serve(fault: (socket: Socket) => void): Promise<{ port: number; sockets: Socket[] }> {
    const sockets: Socket[] = [];
    server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      fault(socket);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: (server.address() as AddressInfo).port, sockets };
  }

  beforeEach(() => {
    lines = [];
  });

  afterEach(() => {
    server?.close();
    server = undefined;
  });

  for (const [what, fault] of Object.entries(faults)) {
    for (const tls of what.startsWith('never') ? [false, true] : [false]) {
      it(`ends by itself where that ${what}${tls ? ', by TLS' : ''}, tries at most twice, and says so at debug level only`, async () => {
        const { port, sockets } = await serve(fault);
        await report(port, { tls });
        expect(sockets.length).to.be.within(1, 2);
        for (const socket of sockets) await closed(socket);
        expect(lines.map(({ level }) => level)).to.deep.equal([20]);
        expect(lines[0]!.msg).to.equal('the usage report was not sent');
      });
    }
  }

  for (const [when, fault] of Object.entries<(socket: Socket) => void>({
    'before the handshake': (socket) => void socket.end(),
    'once it has heard the first of it': (socket) => void socket.once('data', () => socket.end()),
    'in the middle of its own first record': (socket) => void socket.once('data', () => socket.end('\x16\x03\x03\0d')),
  })) {
    it(`notices at once where that hangs up on TLS ${when}: both attempts are over before the life of a report`, async () => {
      const { port, sockets } = await serve(fault);
      await report(port, { tls: true });
      // One that nobody noticed ends by the limit, without another attempt and as aborted.
      expect(sockets).to.have.length(2);
      expect(lines.map(({ err }) => err?.message)).to.deep.equal([
        'Client network socket disconnected before secure TLS connection was established',
      ]);
    });
  }

  it('takes no more of an answer than an empty one has, and keeps no gigabyte', async () => {
    const http2 = createHttp2Server();
    const streams: ServerHttp2Stream[] = [];
    http2.on('stream', (stream) => {
      streams.push(stream.on('error', () => {}));
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      const more = () => {
        while (!stream.destroyed && stream.write(Buffer.alloc(64 * 1024)));
      };
      stream.on('drain', more);
      more();
    });
    http2.on('session', (session) => session.on('error', () => {}));
    http2.listen(0, '127.0.0.1');
    await once(http2, 'listening');
    await report((http2.address() as AddressInfo).port);
    expect(streams).to.have.length(1);
    expect(lines.map(({ level }) => level)).to.deep.equal([20]);
    http2.close();
  });

  it('arrives by the one retry where the first attempt was reset', async () => {
    const collector = new Collector();
    const port = await collector.listen();
    const { connect } = await import('node:net');
    let first = true;
    const proxy = await serve((socket) => {
      if (first) socket.resetAndDestroy();
      else {
        const onward = connect(port, '127.0.0.1').on('error', () => {});
        socket.pipe(onward).pipe(socket);
      }
      first = false;
    });
    await report(proxy.port);
    expect(collector.reports).to.have.length(1);
    expect(proxy.sockets).to.have.length(2);
    collector.close();
  });

  it('is not repeated to a collector that refused it', async () => {
    const http2 = createHttp2Server();
    let calls = 0;
    http2.on('stream', (stream) => {
      calls += 1;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '3' }, { endStream: true });
    });
    http2.listen(0, '127.0.0.1');
    await once(http2, 'listening');
    await report((http2.address() as AddressInfo).port);
    http2.close();
    expect(calls).to.equal(1);
    expect(lines.map(({ level }) => level)).to.deep.equal([20]);
  });
});
