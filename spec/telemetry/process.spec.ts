import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerCredentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import { Client } from 'pg';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { BlackHole } from '../support/black-hole.ts';
import { Collector } from '../support/collector.ts';
import type { LogLine } from '../support/gatewayd-process.ts';
import { Ingest } from '../support/ingest.ts';
import { NameServer } from '../support/name-server.ts';
import { onLinux } from '../support/on-linux.ts';
import { startPostgres } from '../support/postgres.ts';
import { SilentServer } from '../support/silent-server.ts';
import { TelemetryProcess, type TelemetryRun } from '../support/telemetry-process.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/telemetry/${name}`, import.meta.url));
const mayExit = { SPEC_NO_EXIT: undefined };
const loud = ['warn', 'error', 'fatal', 40, 50, 60];

describe('a gatewayd process', () => {
  let gatewayd: TelemetryProcess | undefined;
  const closing: { close(): unknown }[] = [];

  function toClose<T extends { close(): unknown }>(one: T): T {
    closing.push(one);
    return one;
  }

  /** Unless told otherwise it may not end by process.exit: only by itself, when nothing keeps it any more. */
  const run = ({ environment, ...options }: TelemetryRun): Promise<TelemetryProcess> =>
    (gatewayd = new TelemetryProcess({
      ...options,
      environment: { SPEC_NO_EXIT: '1', ...environment },
    })).ready();

  const reporting = (address: string, more: object = {}, environment: NodeJS.ProcessEnv = {}) =>
    run({ telemetry: { usageReport: { address, ...more } }, environment });

  const watching = (dsn: string, more: Omit<TelemetryRun, 'telemetry'> = {}) =>
    run({ telemetry: { usageReport: { enabled: false }, sentry: { dsn } }, ...more });

  /** It ends of its own accord, and what telemetry had under way is nothing to tell anyone about. */
  async function isGone(): Promise<void> {
    expect(await gatewayd!.exited).to.deep.equal({ code: 0, signal: null });
    const told = gatewayd!.lines.filter(({ level, plugin }) => loud.includes(level) && plugin !== 'failing');
    expect(told).to.deep.equal([]);
    expect(gatewayd!.text).to.deep.equal([]);
  }

  async function end(how: string): Promise<void> {
    for (const signal of how.split(' and ')) gatewayd!.kill(signal as NodeJS.Signals);
    await isGone();
  }

  afterEach(async () => {
    await gatewayd?.[Symbol.asyncDispose]();
    gatewayd = undefined;
    for (const one of closing.splice(0)) await one.close();
  });

  it('reports by TLS to whom an authority beside its config file stands for, wherever it is started', async () => {
    const collector = toClose(new Collector());
    const pair = {
      cert_chain: readFileSync(fixture('localhost.pem')),
      private_key: readFileSync(fixture('localhost.key')),
    };
    const port = await collector.listen('127.0.0.1:0', ServerCredentials.createSsl(null, [pair]));
    const reported = collector.next();
    // The config file is in a folder of the system's for temporary ones.
    const caFile = path.relative(path.join(tmpdir(), 'any'), fixture('authority.pem'));
    await reporting(`localhost:${port}`, { tls: true, caFile });
    expect((await reported).message).to.include({ service: 'gatewayd' });
  });

  it('reports its usage once it has started, itself and the plugins with their checksums', async () => {
    const collector = toClose(new Collector());
    const port = await collector.listen();
    const reported = collector.next();
    await reporting(`localhost:${port}`);
    const { message } = await reported;
    const plugins = message['plugins'] as { name: string; version: string; checksum: string }[];
    expect(plugins.map(({ name, version }) => `${name} ${version}`).sort()).to.deep.equal([
      'failing 3.2.1',
      'telemetry 1.0.0',
    ]);
    for (const { checksum } of plugins) expect(checksum).to.match(/^[0-9a-f]{64}$/);
    expect(message).to.include({ service: 'gatewayd', runtime_version: process.version });
    await end('SIGTERM');
    expect(collector.reports).to.have.length(1);
  });

  it('listens and ends where the collector is dead', async () => {
    const collector = new Collector();
    const port = await collector.listen();
    collector.close();
    await reporting(`127.0.0.1:${port}`);
    await gatewayd!.connecting();
    await end('SIGTERM');
  });

  it('listens before it connects to a collector', async () => {
    const silent = toClose(new SilentServer());
    await reporting(`127.0.0.1:${await silent.listen()}`);
    await gatewayd!.connecting();
    const words = gatewayd!.lines.map(({ msg }) => msg);
    expect(words.indexOf('ready')).to.be.greaterThan(-1).and.lessThan(words.indexOf('connecting'));
    await end('SIGTERM');
  });

  for (const [how, environment] of [
    ['SIGTERM', {}],
    ['SIGTERM and SIGTERM', mayExit],
  ] as const) {
    onLinux(`is gone after ${how} while the collector is a black hole`, async () => {
      const { port } = toClose(await BlackHole.open());
      await reporting(`127.0.0.1:${port}`, {}, environment);
      await gatewayd!.connecting();
      await end(how);
    });

    it(`is gone after ${how} while DNS never answers, and asks no second time`, async () => {
      const nameServer = toClose(new NameServer(null));
      const address = await nameServer.listen();
      const asked = nameServer.asked();
      await reporting('collector.test:59091', {}, { SPEC_NAME_SERVER: address, ...environment });
      await asked;
      await end(how);
      expect(new Set(nameServer.questions).size).to.equal(nameServer.questions.length);
    });
  }

  for (const [what, more] of [
    ['the collector accepts and never answers', {}],
    ['the TLS handshake with the collector stalls', { tls: true }],
  ] as const) {
    it(`is gone while ${what}`, async () => {
      const silent = toClose(new SilentServer());
      const port = await silent.listen();
      const spokenTo = silent.spokenTo();
      await reporting(`127.0.0.1:${port}`, more);
      await spokenTo;
      await end('SIGTERM');
    });
  }

  describe('meanwhile', () => {
    let postgres: EmbeddedPostgres;

    before(async () => {
      postgres = await startPostgres();
    });

    after(() => postgres.stop());

    const isOver = ({ msg }: LogLine) => msg === 'the usage report was not sent';

    /** A query through the gateway, which looks its database up by name. One thread has to do for all of its look-ups. */
    async function query(): Promise<unknown> {
      const client = new Client({ host: '127.0.0.1', port: gatewayd!.port, user: 'postgres', database: 'postgres' });
      await client.connect();
      const { rows } = await client.query<{ one: number }>('select 1 as one');
      await client.end();
      return rows;
    }

    const reportingTo = (address: string, more: object, environment: NodeJS.ProcessEnv = {}) =>
      run({
        telemetry: { usageReport: { address, ...more } },
        database: `localhost:${postgres.port}`,
        environment: { UV_THREADPOOL_SIZE: '1', ...environment },
      });

    for (const [what, open] of Object.entries<
      () => Promise<readonly [string, object, NodeJS.ProcessEnv, Promise<unknown>]>
    >({
      'DNS never answers': async () => {
        const nameServer = toClose(new NameServer(null));
        const address = await nameServer.listen();
        return ['collector.test:59091', {}, { SPEC_NAME_SERVER: address }, nameServer.asked()];
      },
      'the TLS handshake with the collector stalls': async () => {
        const silent = toClose(new SilentServer());
        return [`127.0.0.1:${await silent.listen()}`, { tls: true }, {}, silent.spokenTo()];
      },
    })) {
      it(`answers queries, connecting to its database by name, while ${what}`, async () => {
        const [address, more, environment, underWay] = await open();
        await reportingTo(address, more, environment);
        await underWay;
        expect(await query()).to.deep.equal([{ one: 1 }]);
        expect(gatewayd!.lines.filter(isOver)).to.deep.equal([]);
        await gatewayd!.line(isOver);
        await end('SIGTERM');
      });
    }

    onLinux('answers queries, connecting to its database by name, while the collector is a black hole', async () => {
      const { port } = toClose(await BlackHole.open());
      await reportingTo(`127.0.0.1:${port}`, {});
      await gatewayd!.connecting();
      expect(await query()).to.deep.equal([{ one: 1 }]);
      expect(gatewayd!.lines.filter(isOver)).to.deep.equal([]);
      await gatewayd!.line(isOver);
      await end('SIGTERM');
    });
  });

  it('is gone while the ingest accepts and never answers', async () => {
    const silent = toClose(new SilentServer());
    const port = await silent.listen();
    const spokenTo = silent.spokenTo();
    await watching(`http://key@127.0.0.1:${port}/1`);
    gatewayd!.kill('SIGUSR2');
    await spokenTo;
    await end('SIGTERM');
  });

  onLinux('is gone while the ingest is a black hole', async () => {
    const { port } = toClose(await BlackHole.open());
    await watching(`http://key@127.0.0.1:${port}/1`, { early: true });
    await gatewayd!.connecting();
    await end('SIGTERM');
  });

  it("is gone while DNS never answers for the ingest's name", async () => {
    const nameServer = toClose(new NameServer(null));
    const address = await nameServer.listen();
    const asked = nameServer.asked();
    await watching('https://key@ingest.test/1', { early: true, environment: { SPEC_NAME_SERVER: address } });
    await asked;
    await end('SIGTERM');
  });

  it('sends what failed before it listened, and what fails later, with plugin and hook', async () => {
    const ingest = toClose(new Ingest());
    await watching(await ingest.listen(), { early: true });
    await ingest.whenEvents(1);
    gatewayd!.kill('SIGUSR2');
    const events = await ingest.whenEvents(2);
    const { lines } = gatewayd!;
    for (const { tags, exception } of events) {
      expect(tags).to.include({ 'plugin.name': 'failing', 'plugin.version': '3.2.1', hook: 'opening' });
      expect(tags!['plugin.checksum']).to.match(/^[0-9a-f]{64}$/);
      const [{ type, stacktrace }] = exception!.values as [NonNullable<typeof exception>['values'][0]];
      expect(type).to.equal('TypeError');
      expect(stacktrace!.frames.map(({ filename }) => filename)).to.include('app:///plugins/failing/failing.mjs');
    }
    expect(lines.some(({ msg }) => msg === 'connecting')).to.equal(true);
    await end('SIGTERM');
  });

  it('reports the error it dies of before it is gone', async () => {
    const ingest = toClose(new Ingest());
    await watching(await ingest.listen(), { environment: { SPEC_FATAL: '1', ...mayExit } });
    gatewayd!.kill('SIGUSR2');
    expect(await gatewayd!.exited).to.deep.equal({ code: 1, signal: null });
    const fatal = ingest.events.filter(({ level }) => level === 'fatal');
    expect(fatal.map(({ exception }) => exception!.values[0]!.type)).to.deep.equal(['RangeError']);
    expect(Object.keys(fatal[0]!.tags ?? {})).to.deep.equal([]);
  });

  it('dies of its error all the same when the ingest never answers', async () => {
    const silent = toClose(new SilentServer());
    await watching(`http://key@127.0.0.1:${await silent.listen()}/1`, { environment: { SPEC_FATAL: '1', ...mayExit } });
    gatewayd!.kill('SIGUSR2');
    expect(await gatewayd!.exited).to.deep.equal({ code: 1, signal: null });
  });
});
