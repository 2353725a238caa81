import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { cleanEnvironment, launcher } from '../support/gatewayd-process.ts';
import { Ingest } from '../support/ingest.ts';
import { SilentServer } from '../support/silent-server.ts';
import { TelemetryProcess, type TelemetryRun } from '../support/telemetry-process.ts';
import { until } from '../support/until.ts';

describe('a crash of gatewayd', () => {
  let state: string;
  let gatewayd: TelemetryProcess | undefined;

  beforeEach(() => {
    state = mkdtempSync(path.join(tmpdir(), 'gatewayd-state-'));
  });

  afterEach(async () => {
    await gatewayd?.[Symbol.asyncDispose]();
    rmSync(state, { recursive: true, force: true });
  });

  async function start(dsn: string, { environment, ...more }: Omit<TelemetryRun, 'telemetry'> = {}): Promise<void> {
    gatewayd = await new TelemetryProcess({
      ...more,
      telemetry: { usageReport: { enabled: false }, sentry: { dsn } },
      environment: { XDG_STATE_HOME: state, ...environment },
    }).ready();
  }

  /** It dies of an error of its own. */
  async function crash(dsn: string, environment: NodeJS.ProcessEnv = {}): Promise<void> {
    await start(dsn, { environment: { SPEC_FATAL: '1', ...environment } });
    gatewayd!.kill('SIGUSR2');
    expect(await gatewayd!.exited).to.deep.equal({ code: 1, signal: null });
  }

  function kept(): string[] {
    const folder = path.join(state, 'gatewayd', 'crashes');
    try {
      return readdirSync(folder).map((name) => path.join(folder, name));
    } catch {
      return [];
    }
  }

  /** The DSN of an ingest that is not there yet, and the port it will listen on. */
  async function absent(): Promise<{ dsn: string; port: number }> {
    const ingest = new Ingest();
    const dsn = await ingest.listen();
    ingest.close();
    return { dsn, port: Number(new URL(dsn).port) };
  }

  it('is kept until the next start, which sends the very event and removes it', async () => {
    const { dsn, port } = await absent();
    await crash(dsn);
    expect(kept()).to.have.length(1);
    const { event } = JSON.parse(readFileSync(kept()[0]!, 'utf8')) as { event: object };
    const { stdout } = await promisify(execFile)(process.execPath, [launcher, 'telemetry', 'show'], {
      cwd: state,
      env: cleanEnvironment({ XDG_STATE_HOME: state }),
    });
    expect(stdout).to.include(`A crash that is to be sent by the next start (${kept()[0]})`).and.include('RangeError');
    const ingest = new Ingest();
    await ingest.listen(port);
    try {
      await start(dsn);
      const [sent] = await ingest.whenEvents(1);
      expect(sent).to.deep.include(event);
      expect(sent).to.include({ level: 'fatal' });
      expect(sent!.exception!.values[0]!.type).to.equal('RangeError');
      await until(() => kept().length === 0);
      expect(await gatewayd!.stop()).to.deep.equal({ code: 0, signal: null });
      expect(ingest.events).to.have.length(1);
    } finally {
      ingest.close();
    }
  });

  it("is named after the plugin and the hook that caused it, where the plugin took gatewayd's listeners away", async () => {
    const { dsn, port } = await absent();
    await start(dsn, { doomed: true });
    await gatewayd!.line(({ msg }) => msg === 'a crash is kept on the disk until it has been sent');
    gatewayd!.kill('SIGUSR2');
    expect((await gatewayd!.exited).code).to.equal(1);
    expect(kept()).to.have.length(1);
    const ingest = new Ingest();
    await ingest.listen(port);
    try {
      await start(dsn);
      const [sent] = await ingest.whenEvents(1);
      expect(sent!.tags).to.include({ 'plugin.name': 'failing', hook: 'startup', phase: 'crash' });
      expect(sent!.level).to.equal('fatal');
    } finally {
      ingest.close();
    }
  });

  it('leaves nothing behind when it was sent at once', async () => {
    const ingest = new Ingest();
    try {
      await crash(await ingest.listen());
      expect(ingest.events).to.have.length(1);
      expect(kept()).to.deep.equal([]);
    } finally {
      ingest.close();
    }
  });

  it('stays where it is while its ingest asks for quiet, and while it never answers', async () => {
    const ingest = new Ingest();
    ingest.status = 429;
    const silent = new SilentServer();
    try {
      const dsn = await ingest.listen();
      await crash(dsn);
      expect(kept()).to.have.length(1);
      await crash(`http://key@127.0.0.1:${await silent.listen()}/1`);
      expect(kept()).to.have.length(2);
    } finally {
      ingest.close();
      silent.close();
    }
  });

  it('is not sent to another project than it was kept for', async () => {
    const { dsn } = await absent();
    await crash(dsn);
    const other = new Ingest();
    try {
      await start(await other.listen(), { early: true });
      await other.whenEvents(1);
      await gatewayd!.stop();
      expect(other.events.map(({ level }) => level)).to.deep.equal(['error']);
      expect(kept()).to.have.length(1);
    } finally {
      other.close();
    }
  });

  it('is no other one where nothing can be written', async () => {
    const { dsn } = await absent();
    await crash(dsn, { XDG_STATE_HOME: '/proc/nowhere' });
    const fatal = gatewayd!.lines.filter(({ level }) => level === 'fatal' || level === 60);
    expect(fatal).to.have.length(1);
    expect(gatewayd!.text).to.deep.equal([]);
  });
});
