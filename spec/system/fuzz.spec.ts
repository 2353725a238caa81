import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import * as fc from 'fast-check';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { GatewayDProcess, type LogLine } from '../support/gatewayd-process.ts';
import { startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { gssRequest, message, query, sslRequest, startup, WireClient } from '../support/wire-client.ts';

const certificates = path.join(import.meta.dirname, '../fixtures/telemetry');

/** Looks at every message of both directions, as far as it can be read, and leaves it as it is. */
const looksAtEverything = `
export default {
  apply({ hooks }) {
    const look = (batch) => {
      for (const message of batch.messages) JSON.stringify(message);
    };
    hooks.trafficFromClient.tap('look', look);
    hooks.trafficFromServer.tap('look', look);
  },
};
`;

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
};

// ---- What comes on the wire -------------------------------------------------------------------------------------

const anyBytes = fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array));
const anyLength = fc.oneof(
  fc.integer(),
  fc.integer({ min: -8, max: 300 }),
  fc.constantFrom(0, 3, 4, 5, 8, 10_000, 10_001, 0x3fff_ffff, 0x7fff_ffff, -0x8000_0000),
);
/** A start-up packet of any announced length, with any code. */
const anyPacket = fc
  .tuple(anyLength, fc.constantFrom(196_608, 196_610, 131_072, 80_877_102, 80_877_103, 80_877_104, 0, -1), anyBytes)
  .map(([length, code, rest]) => Buffer.concat([int32(length), int32(code), rest]));
/** A message of any type with any announced length. */
const anyMessage = fc
  .tuple(fc.integer({ min: 0, max: 255 }), anyLength, anyBytes)
  .map(([type, length, rest]) => Buffer.concat([Buffer.from([type]), int32(length), rest]));

const ofClients = [
  startup(),
  startup({}, 2),
  sslRequest,
  gssRequest,
  query('select 1'),
  query(''),
  query('select 1; select 2; select 1/0; select 3'),
  query('begin'),
  query('copy (select 1) to stdout'),
  query('create temp table if not exists t (i int); copy t from stdin'),
  query('select repeat($$x$$, 100000)'),
  message('P', 's\0select $1::int\0\0\0'),
  message('P', '\0select generate_series(1, 500)\0\0\0'),
  message('B', Buffer.from('\0\0\0\0\0\0\0\0', 'latin1')),
  message('D', 'P\0'),
  message('E', Buffer.from('\0\0\0\0\x07', 'latin1')),
  message('C', 'Ss\0'),
  message('F', Buffer.alloc(12)),
  message('d', '1\n'),
  message('c'),
  message('f', 'no\0'),
  message('p', 'x\0'),
  message('H'),
  message('S'),
  message('X'),
];
const fromClient = fc.oneof(
  anyBytes,
  anyPacket,
  anyMessage,
  fc.constantFrom(...ofClients),
  fc.constantFrom(Buffer.from('160301020001000200', 'hex'), startup().subarray(0, 17)),
  // One cut short, or with a byte that is another.
  fc.tuple(fc.constantFrom(...ofClients), fc.nat(60)).map(([bytes, at]) => bytes.subarray(0, at % bytes.length)),
  fc.tuple(fc.constantFrom(...ofClients), fc.nat(60), fc.nat(255)).map(([bytes, at, value]) => {
    const changed = Buffer.from(bytes);
    changed[at % changed.length] = value;
    return changed;
  }),
);

const authenticationOk = message('R', int32(0));
const readyForQuery = message('Z', 'I');
const ofServers = [
  authenticationOk,
  message('R', int32(3)),
  message('R', Buffer.concat([int32(5), Buffer.from('salt')])),
  message('R', Buffer.concat([int32(10), Buffer.from('SCRAM-SHA-256\0\0')])),
  message('R', int32(99)),
  message('S', 'client_encoding\0UTF8\0'),
  message('K', Buffer.alloc(8)),
  message('K', Buffer.alloc(0)),
  message('v', Buffer.concat([int32(0), int32(0)])),
  readyForQuery,
  message('Z', ''),
  message('T', Buffer.concat([Buffer.from([0, 1]), Buffer.from('n\0'), Buffer.alloc(18)])),
  message('D', Buffer.from([0, 1, 0, 0, 0, 1, 0x31])),
  message('D', Buffer.from([0x7f, 0xff])),
  message('C', 'SELECT 1\0'),
  message('E', 'SERROR\0VERROR\0C42601\0Mno\0\0'),
  message('E', 'SFATAL\0VFATAL\0C57P01\0Mgoing\0\0'),
  message('E', ''),
  message('N', 'SNOTICE\0VNOTICE\0C00000\0Mlook\0\0'),
  message('A', Buffer.concat([int32(1), Buffer.from('c\0p\0')])),
  message('G', Buffer.from([0, 0, 0])),
  message('H', Buffer.from([0, 0, 0])),
  message('W', Buffer.from([0, 0, 0])),
  message('1'),
  message('2'),
  message('n'),
  message('I'),
];
const fromServer = fc.oneof(anyBytes, anyMessage, fc.constantFrom(...ofServers));

const ending = fc.constantFrom('end', 'reset', 'destroy', 'silence');
type Ending = 'end' | 'reset' | 'destroy' | 'silence';
/** At once, or byte by byte. */
const pace = fc.constantFrom('at once', 'piece by piece', 'byte by byte');

async function sendPaced(socket: Socket, pieces: readonly Buffer[], how: string): Promise<void> {
  const parts = how === 'at once' ? [Buffer.concat(pieces)] : pieces;
  for (const part of parts) {
    const each = how === 'byte by byte' ? Array.from(part, (byte) => Buffer.from([byte])) : [part];
    for (const bytes of each) {
      if (socket.destroyed || !socket.writable) return;
      socket.write(bytes);
      await new Promise(setImmediate);
    }
  }
}

function finish(socket: Socket, how: Ending): void {
  if (how === 'end') socket.end();
  else if (how === 'reset') socket.resetAndDestroy();
  else if (how === 'destroy') socket.destroy();
}

/** Settles when the other side has ended, or the connection is gone. */
function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('end', () => resolve()).on('close', () => resolve());
  });
}

/** Reads on, and settles when a ReadyForQuery comes by. */
function readyAgain(socket: Socket): Promise<void> {
  let tail = Buffer.alloc(0);
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      tail = Buffer.concat([tail, chunk]);
      if (tail.includes(readyForQuery.subarray(0, 5))) resolve();
      tail = Buffer.from(tail.subarray(-5));
    });
  });
}

/** A login so far: what the wild bytes come after. */
const phases: Readonly<Record<string, (client: WireClient) => Promise<void>>> = {
  connected: () => Promise.resolve(),
  'asked for encryption': async (client) => {
    client.send(sslRequest);
    await client.bytes(1);
  },
  open: async (client) => {
    client.send(startup());
    await client.until('Z');
  },
  'in a transaction': async (client) => {
    client.send(startup(), query('begin; select 1'));
    await client.until('Z');
    await client.until('Z');
  },
  'in a COPY': async (client) => {
    client.send(startup(), query('create temp table t (i int); copy t from stdin'));
    await client.until('G');
  },
  'in a pipeline': async (client) => {
    client.send(startup());
    await client.until('Z');
    client.send(message('P', '\0select generate_series(1, 3000)\0\0\0'));
  },
};

describe('a fuzzer of the wire protocol', function () {
  this.timeout(240_000);
  let folder: string;
  let database: EmbeddedPostgres;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-fuzz-'));
    database = await startPostgres({ settings: { max_connections: '200' } });
  });
  after(async () => {
    await database?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function startGateway(name: string, config: string, plugin?: string): Promise<GatewayDProcess> {
    const place = path.join(folder, name.replaceAll(' ', '-'));
    mkdirSync(path.join(place, 'plugins'), { recursive: true });
    if (plugin !== undefined) writeFileSync(path.join(place, 'plugins/look.js'), plugin);
    const file = path.join(place, 'gatewayd.yaml');
    writeFileSync(file, config);
    return await GatewayDProcess.start(['run', '-c', file, '--usage-report=false', '--sentry=false']);
  }

  /** Sockets that a process has; not its other handles, which threads of its own come by. */
  const sockets = (pid: number): number =>
    readdirSync(`/proc/${pid}/fd`).filter((handle) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${handle}`).startsWith('socket:');
      } catch {
        return false;
      }
    }).length;
  const residentMegabytes = (pid: number): number =>
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

  /** What is true after any amount of bad input. */
  async function expectUnharmed(gateway: GatewayDProcess, before: number): Promise<void> {
    await until(() => sockets(gateway.pid) <= before);
    const level = (line: LogLine): number => Number(line.level);
    const grave = gateway.lines.filter((line) => level(line) >= 50);
    expect(grave).to.deep.equal([]);
    const told = gateway.lines.filter((line) => level(line) === 40 && line['session'] !== undefined);
    const sessions = told.map((line) => String(line['session']));
    expect(new Set(sessions).size, 'one line a session').to.equal(sessions.length);
    for (const line of told) expect(line, line.msg).to.include.keys('code', 'client', 'sqlstate');
    expect(gateway.text, 'nothing was printed beside the log').to.deep.equal([]);
  }

  const kinds: Readonly<Record<string, () => Promise<GatewayDProcess>>> = {
    'that relays': () => startGateway('relays', listener()),
    'with a tap on every message': () => startGateway('taps', listener(), looksAtEverything),
    'with TLS': () =>
      startGateway(
        'encrypts',
        listener(
          `enableTLS: true, certFile: '${certificates}/localhost.pem', keyFile: '${certificates}/localhost.key'`,
        ),
      ),
  };

  const listener = (more = ''): string => `
clients: { default: { writes: { address: '${database.host}:${database.port}' } } }
pools: { default: { writes: { size: 60 } } }
servers: { default: { address: '127.0.0.1:0', loginTimeout: 1s${more === '' ? '' : `, ${more}`} } }
`;

  for (const [kind, start] of Object.entries(kinds)) {
    describe(`at the listener of a gateway ${kind}`, () => {
      let gateway: GatewayDProcess;
      let bystander: WireClient;
      let before: number;

      beforeEach(async () => {
        gateway = await start();
        bystander = await WireClient.open(gateway.port);
        bystander.send(query('begin; create temp table mine (n int); insert into mine values (42)'));
        await bystander.until('Z');
        before = sockets(gateway.pid);
      });
      afterEach(async () => {
        bystander.socket.destroy();
        await gateway[Symbol.asyncDispose]();
      });

      async function expectBystanderServed(): Promise<void> {
        bystander.send(query('select n from mine'));
        const row = (await bystander.until('Z')).find(({ type }) => type === 'D')!;
        expect(row.body.subarray(6).toString()).to.equal('42');
      }

      for (const [phase, reach] of Object.entries(phases)) {
        it(`leaves it and its other clients unharmed: ${phase}`, async () => {
          const isLoggedIn = phase !== 'connected' && phase !== 'asked for encryption';
          const attack = async (pieces: readonly Buffer[], how: string, end: Ending): Promise<void> => {
            const client = await WireClient.connect(gateway.port);
            await reach(client);
            const served = readyAgain(client.socket);
            const over = ended(client.socket);
            await sendPaced(client.socket, pieces, how);
            // Silence is over when the gateway's patience is; with a client that is logged in, that is never.
            if (end !== 'silence') finish(client.socket, end);
            else if (isLoggedIn) client.socket.destroy();
            else await Promise.race([over, served]);
            // Where its client's side has ended the gateway ends its own.
            if (end === 'end') await over;
            client.socket.destroy();
            await client.closed;
          };
          const pieces = fc.array(fromClient, { maxLength: 8 });
          // The silent ones wait for the login time limit: many at once.
          await fc.assert(
            fc.asyncProperty(
              fc.array(fc.tuple(pieces, pace, ending), { minLength: 1, maxLength: 24 }),
              async (attacks) => {
                await Promise.all(attacks.map((attack_) => attack(...attack_)));
                await expectBystanderServed();
              },
            ),
            { numRuns: 12, endOnFailure: true },
          );
          await expectUnharmed(gateway, before);
        });
      }

      if (kind === 'with TLS') {
        it('leaves it and its other clients unharmed: encrypted', async () => {
          await fc.assert(
            fc.asyncProperty(fc.array(fromClient, { maxLength: 8 }), pace, ending, async (pieces, how, end) => {
              const client = await WireClient.connect(gateway.port);
              await phases['asked for encryption']!(client);
              const secure = connectTls({ socket: client.socket, rejectUnauthorized: false });
              secure.on('error', () => undefined).resume();
              await once(secure, 'secureConnect');
              await sendPaced(secure, pieces, how);
              if (end === 'reset') client.socket.resetAndDestroy();
              else finish(secure, end === 'silence' ? 'end' : end);
              if (!client.socket.destroyed) await client.closed;
              await expectBystanderServed();
            }),
            { numRuns: 100, endOnFailure: true },
          );
          await expectUnharmed(gateway, before);
        });
      }

      it('keeps its memory', async () => {
        const round = async (): Promise<void> => {
          const attacks = fc.sample(fc.tuple(fc.array(fromClient, { maxLength: 8 }), fc.constantFrom('end', 'reset')), {
            numRuns: 400,
            seed: 7,
          });
          for (const [pieces, how] of attacks) {
            const client = await WireClient.connect(gateway.port);
            client.socket.resume();
            await sendPaced(client.socket, pieces, 'at once');
            finish(client.socket, how);
            await client.closed;
          }
        };
        await round();
        await round();
        const warm = residentMegabytes(gateway.pid);
        for (let count = 0; count < 4; count++) await round();
        // 1,600 clients that left 20 kB each would show.
        expect(residentMegabytes(gateway.pid) - warm).to.be.below(32);
        await expectUnharmed(gateway, before);
      });
    });
  }

  describe('at the side of the database', () => {
    interface Script {
      readonly first: readonly Buffer[];
      readonly loggedIn: boolean;
      readonly answers: readonly Buffer[];
      readonly how: string;
      readonly end: Ending;
    }
    let fake: Server;
    let running: readonly Script[];
    const accepted = new Set<Socket>();

    before(async () => {
      fake = createServer({ allowHalfOpen: true }, (socket) => {
        accepted.add(socket.on('error', () => undefined).on('close', () => accepted.delete(socket)));
        let packets = 0;
        let script: Script;
        socket.on('data', (chunk) => {
          packets += 1;
          if (packets === 1) {
            script = running[Number(/script (\d+)/.exec(chunk.toString('latin1'))?.[1])]!;
            const login = script.loggedIn ? [authenticationOk, message('K', Buffer.alloc(8, 1)), readyForQuery] : [];
            void sendPaced(socket, [...script.first, ...login], script.how).then(() => {
              if (!script.loggedIn) finish(socket, script.end);
            });
          } else if (packets === 2) {
            void sendPaced(socket, script.answers, script.how).then(() => finish(socket, script.end));
          }
        });
        socket.on('end', () => socket.end());
      });
      fake.listen(0, '127.0.0.1');
      await once(fake, 'listening');
    });
    after(() => {
      for (const socket of accepted) socket.destroy();
      fake.close();
    });

    for (const [kind, plugin] of [
      ['that relays', undefined],
      ['with a tap on every message', looksAtEverything],
    ] as const) {
      it(`leaves a gateway ${kind} unharmed, and ends each client in time`, async () => {
        const { port } = fake.address() as AddressInfo;
        const config = `
clients: { default: { writes: { address: '127.0.0.1:${port}', retries: 0 } } }
servers: { default: { address: '127.0.0.1:0', loginTimeout: 1s } }
`;
        const gateway = await startGateway(`behind ${kind}`, config, plugin);
        try {
          const before = sockets(gateway.pid);
          const scripts = fc.record({
            first: fc.array(fromServer, { maxLength: 4 }),
            loggedIn: fc.boolean(),
            answers: fc.array(fromServer, { maxLength: 8 }),
            how: pace,
            end: ending,
          }) as fc.Arbitrary<Script>;
          await fc.assert(
            fc.asyncProperty(fc.array(scripts, { minLength: 1, maxLength: 24 }), async (several) => {
              running = several;
              const play = async (script: Script, index: number): Promise<void> => {
                const client = await WireClient.connect(gateway.port);
                client.socket.resume();
                const over = ended(client.socket);
                // And what a client of PostgreSQL's sends whatever comes.
                client.send(startup({ application_name: `script ${index}` }), query('select 1'));
                // What may hold a ReadyForQuery may have logged it in, and then the end is nobody's but the client's.
                const open = script.loggedIn || script.first.some((bytes) => bytes.includes(readyForQuery[0]!));
                if (script.end === 'silence' && open) client.socket.end();
                await over;
                client.socket.destroy();
                await client.closed;
              };
              await Promise.all(several.map(play));
              await until(() => accepted.size === 0);
            }),
            { numRuns: 15, endOnFailure: true },
          );
          await expectUnharmed(gateway, before);
        } finally {
          await gateway[Symbol.asyncDispose]();
        }
      });
    }
  });
});
