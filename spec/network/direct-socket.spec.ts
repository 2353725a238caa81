import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { createHooks } from '../../lib/hooks/hooks.ts';
import type { Batch } from '../../lib/hooks/payloads.ts';
import { createView } from '../../lib/hooks/view.ts';
import { silentLogger } from '../../lib/logger.ts';
import { DirectSocket } from '../../lib/network/direct-socket.ts';
import { Hold, Intake } from '../../lib/network/intake.ts';
import type { Link } from '../../lib/network/link.ts';
import { LoginStage } from '../../lib/network/login-stage.ts';
import { PlainStage } from '../../lib/network/plain-stage.ts';
import { Relay, type RelayEnd } from '../../lib/network/relay.ts';
import type { Stage } from '../../lib/network/stage.ts';
import { TappedStage } from '../../lib/network/tapped-stage.ts';
import { Conversation } from '../../lib/traffic/conversation.ts';
import { command } from '../support/command.ts';
import { RecordingOwner } from '../support/recording-owner.ts';
import { socketPair } from '../support/socket-pair.ts';
import { specSession } from '../support/tapped-relay.ts';
import { until } from '../support/until.ts';
import { message, query, startup } from '../support/wire-client.ts';

const welcome = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', 'I')]);

/** An open relay between two sockets of the spec. */
async function openRelay(
  direct: boolean,
  makeStage: (link: Link) => Stage = (link) => new PlainStage(link, 'I', null),
): Promise<{
  readonly client: Socket;
  readonly server: Socket;
  readonly relay: Relay;
  readonly near: readonly Socket[];
  close(): void;
}> {
  const [nearClient, client] = await socketPair();
  const [nearServer, server] = await socketPair();
  const watcher = {
    backendKey: () => undefined,
    notices: Buffer.alloc(0),
    loggedIn: () => relay.open(makeStage),
  };
  const relay: Relay = new Relay(nearClient, nearServer, (link) => new LoginStage(link, watcher), { direct });
  relay.start(startup(), Buffer.alloc(0));
  server.write(welcome);
  await Promise.all([taken(server, startup().length), taken(client, welcome.length)]);
  const all = [client, server, nearClient, nearServer];
  return { client, server, relay, near: [nearClient, nearServer], close: () => all.forEach((each) => each.destroy()) };
}

/** Exactly so many bytes. */
async function taken(socket: Socket, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size < length) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) {
      if (socket.readableEnded || socket.destroyed) throw new Error(`the end came after ${size} of ${length} bytes`);
      await once(socket, 'readable');
    } else {
      chunks.push(chunk);
      size += chunk.length;
    }
  }
  const bytes = Buffer.concat(chunks);
  if (size > length) socket.unshift(bytes.subarray(length));
  return bytes.subarray(0, length);
}

/** Bytes no two places of which look alike soon. */
function body(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >> 8) * 17 + seed) & 0xff;
  return bytes;
}

/** An open session with a tap each way that looks at every message; every third time, after a while. */
function tappedStage(link: Link, owner: RecordingOwner): Stage {
  const hooks = createHooks();
  const view = createView(hooks, owner);
  let calls = 0;
  const look = async (batch: Batch): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    for (const { bytes } of batch.messages) expect(bytes[0]).to.equal(0x64);
  };
  const tap = (batch: Batch): Promise<void> | undefined => {
    for (const { name } of batch.messages) expect(name).to.equal('CopyData');
    return calls++ % 3 === 2 ? look(batch) : undefined;
  };
  view.trafficFromClient.tap('look', tap as (batch: Batch) => undefined);
  view.trafficFromServer.tap('look', tap as (batch: Batch) => undefined);
  const conversation = new Conversation({
    session: specSession,
    hooks,
    logger: silentLogger(),
    maxMessageSize: 2 ** 24,
    transactionStatus: 'I',
  });
  const watcher = {
    settled: () => undefined,
    ended: ({ message: why }: { message: string }) => {
      throw new Error(why);
    },
  };
  return new TappedStage(link, conversation, watcher, null);
}

/** Lengths around what is read, copied and kept as a view at once, and exact multiples of it. */
const lengths = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc
    .tuple(fc.constantFrom(1024, 16_384, 65_536, 131_072, 655_360), fc.integer({ min: -6, max: 6 }))
    .map(([size, by]) => size + by - 5),
);

async function passAll(direct: boolean, tapped: boolean): Promise<void> {
  const owner = new RecordingOwner('spec');
  const relayed = await (tapped ? openRelay(direct, (link) => tappedStage(link, owner)) : openRelay(direct));
  const { client, server } = relayed;
  let seed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(lengths, { minLength: 1, maxLength: 8 }), fc.boolean(), async (sizes, joined) => {
      const messages = sizes.map((length) => message('d', body(length, seed++)));
      const sent = Buffer.concat(messages);
      // Both at once: each reads over what the other one read.
      const pass = async (from: Socket, to: Socket): Promise<void> => {
        for (const each of joined ? [sent] : messages) from.write(each);
        expect((await taken(to, sent.length)).equals(sent)).to.equal(true);
      };
      await Promise.all([pass(client, server), pass(server, client)]);
    }),
    { numRuns: 40 },
  );
  expect(owner.failures).to.deep.equal([]);
  relayed.close();
}

for (const direct of [true, false]) {
  describe(`a relay whose sockets are ${direct ? 'read and written directly' : 'used as streams'}`, function () {
    this.timeout(20_000);

    for (const tapped of [false, true]) {
      const way = tapped ? ', past taps that wait or do not' : '';
      it(`passes messages of any length in both directions as they came${way}`, () => passAll(direct, tapped));
    }

    it('keeps what one side does not take yet, and reads no more of the other', async () => {
      const relayed = await openRelay(direct);
      const { client, server, near } = relayed;
      client.write(query('select 1'));
      await taken(server, query('select 1').length);
      const rows = Array.from({ length: 600 }, (_, n) => message('D', body(50_000, n)));
      for (const row of rows) server.write(row);
      while (near[1]?.isPaused() === false) await new Promise((resolve) => setImmediate(resolve));
      const expected = Buffer.concat(rows);
      expect((await taken(client, expected.length)).equals(expected)).to.equal(true);
      server.write(message('Z', 'I'));
      await taken(client, 6);
      expect(near[1]?.isPaused()).to.equal(false);
      relayed.close();
    });

    it('tells the server that the client ended its side, and still passes the answer', async () => {
      const relayed = await openRelay(direct);
      const { client, server, relay } = relayed;
      client.write(query('first'));
      await taken(server, query('first').length);
      client.end(query('last'));
      expect((await taken(server, query('last').length)).equals(query('last'))).to.equal(true);
      server.resume();
      await once(server, 'end');
      server.end(message('Z', 'I'));
      await taken(client, 6);
      expect((await relay.finished).by).to.equal('server');
      relayed.close();
    });

    it('leaves streams behind: what comes after its end is anybody’s to read', async () => {
      const relayed = await openRelay(direct);
      const { client, server, relay, near } = relayed;
      client.write(query('one'));
      await taken(server, query('one').length);
      relay.fail(null);
      await relay.finished;
      const chunks: Buffer[] = [];
      near[0]?.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
      client.write('after');
      client.write('wards');
      while (Buffer.concat(chunks).toString() !== 'afterwards') await new Promise((resolve) => setImmediate(resolve));
      relayed.close();
    });

    it('ends when the client is reset while bytes wait for it', async () => {
      const relayed = await openRelay(direct);
      const { client, server, relay, near } = relayed;
      client.write(query('select'));
      await taken(server, query('select').length);
      for (let sent = 0; sent < 200; sent++) server.write(message('D', body(50_000, sent)));
      while (near[1]?.isPaused() === false) await new Promise((resolve) => setImmediate(resolve));
      client.resetAndDestroy();
      const end: RelayEnd = await relay.finished;
      expect(end.by).to.equal('client');
      relayed.close();
    });
  });
}

describe('a socket that is read directly and then held up', () => {
  let near: Socket;
  let far: Socket;
  let intake: Intake;
  let got: string[];

  /** Reads as a relay does: a stream until something came. */
  beforeEach(async () => {
    [near, far] = await socketPair();
    far.on('error', () => undefined);
    near.on('error', () => undefined);
    intake = new Intake(
      near,
      DirectSocket.of(near, () => undefined),
    );
    got = [];
    near.on('data', (chunk) => {
      got.push(`stream ${String(chunk)}`);
      intake.readDirectly((bytes) => void got.push(`direct ${String(bytes)}`));
    });
    for (const word of ['one', 'two']) {
      const before = got.length;
      far.write(word);
      await until(() => got.length > before);
    }
    expect(got).to.deep.equal(['stream one', 'direct two']);
    intake.hold(Hold.Busy);
  });

  afterEach(() => {
    for (const socket of [near, far]) socket.destroy();
  });

  it('says so when the other side is gone', async () => {
    const closed = new Promise((resolve) => near.once('close', resolve));
    far.resetAndDestroy();
    await closed;
  });

  it('gives what came meanwhile first, and is read directly again', async () => {
    far.write('three');
    await until(() => near.readableLength > 0);
    intake.release(Hold.Busy);
    await until(() => got.length === 3);
    far.write('four');
    await until(() => got.length === 4);
    expect(got.slice(2)).to.deep.equal(['stream three', 'direct four']);
  });

  it('tells of an end when it is let go', async () => {
    const ended = once(near, 'end');
    far.end('three');
    await until(() => near.readableLength > 0);
    expect(got).to.have.lengthOf(2);
    intake.release(Hold.Busy);
    await ended;
    expect(got.slice(2)).to.deep.equal(['stream three']);
  });

  it('takes in no more than a stream does', async () => {
    far.write(Buffer.alloc(8 * 1024 * 1024));
    await until(() => near.readableLength > 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(near.readableLength).to.be.at.most(65_536 + near.readableHighWaterMark);
  });
});

describe('a direct socket', () => {
  it('is there for a TCP socket on every Node.js we know', async () => {
    const [near, far] = await socketPair();
    expect(DirectSocket.of(near, () => undefined)).not.to.equal(null);
    expect(DirectSocket.of(far, () => undefined)).not.to.equal(null);
    for (const socket of [near, far]) socket.destroy();
  });

  it('is not there for a socket that is closed', async () => {
    const [near, far] = await socketPair();
    near.destroy();
    far.destroy();
    await once(near, 'close');
    expect(DirectSocket.of(near, () => undefined)).to.equal(null);
  });

  it('is not there where Node.js does not let anybody at its inside', async () => {
    const module = new URL('../../lib/network/direct-socket.ts', import.meta.url).href;
    const ask = (forbid: string): string => `
      ${forbid}
      const { DirectSocket } = await import(${JSON.stringify(module)});
      const { createServer, connect } = await import('node:net');
      const server = createServer((socket) => {
        console.log(DirectSocket.of(socket, () => {}) !== null);
        process.exit();
      }).listen(0, '127.0.0.1', () => connect(server.address().port, '127.0.0.1'));`;
    const run = async (forbid: string): Promise<string> => {
      const args = ['--import=tsx', '--input-type=module', '-e', ask(forbid)];
      return (await command(process.execPath, args)).stdout.trim();
    };
    expect(await run('')).to.equal('true');
    expect(await run("process.binding = () => { throw new Error('no'); };")).to.equal('false');
  });
});
