import { expect } from 'chai';
import { Collector } from '../support/collector.ts';
import type { LogLine } from '../support/gatewayd-process.ts';
import { Ingest } from '../support/ingest.ts';
import { Folder } from '../support/launch.ts';
import { TelemetryProcess, type TelemetryRun } from '../support/telemetry-process.ts';

const isOurs = ({ plugin }: LogLine) => plugin === 'telemetry';

// It is loaded when the servers listen, so that nobody waits for it; whatever happens in that moment.
describe('telemetry, between the moment when the servers listen and that when it is loaded', () => {
  let gatewayd: TelemetryProcess;
  let collector: Collector;
  let ingest: Ingest;

  async function run({ environment, ...options }: TelemetryRun = {}): Promise<TelemetryProcess> {
    const [port, dsn] = await Promise.all([collector.listen(), ingest.listen()]);
    const telemetry = { usageReport: { address: `127.0.0.1:${port}` }, sentry: { dsn } };
    gatewayd = new TelemetryProcess({ telemetry, ...options, environment: { SPEC_NO_EXIT: '1', ...environment } });
    return gatewayd;
  }

  const order = (...messages: readonly string[]): string[] =>
    gatewayd.lines
      .map(({ msg, plugin }) => (msg === 'plugin loaded' ? `${msg}: ${String(plugin)}` : msg))
      .filter((msg) => messages.some((message) => msg.startsWith(message)));

  beforeEach(() => {
    collector = new Collector();
    ingest = new Ingest();
  });

  afterEach(async () => {
    await gatewayd[Symbol.asyncDispose]();
    collector.close();
    ingest.close();
  });

  it('says that it listens, loads, says what it will send, and only then sends', async () => {
    const reported = collector.next();
    using home = new Folder({});
    await run({ environment: { XDG_CONFIG_HOME: home.path } });
    const { message } = await reported;
    expect(order('plugin loaded', 'ready', 'an anonymous usage report', 'connecting')).to.deep.equal([
      'plugin loaded: failing',
      'ready',
      'plugin loaded: telemetry',
      gatewayd.lines.find(({ msg }) => msg.startsWith('an anonymous'))?.msg,
      'connecting',
    ]);
    expect(gatewayd.lines.find(({ msg }) => msg === 'ready')).to.include({ plugins: 1 });
    expect((message['plugins'] as { name: string }[]).map(({ name }) => name)).to.deep.equal(['failing', 'telemetry']);
  });

  it('reports what failed before, once', async () => {
    await run({ early: true });
    await gatewayd.ready();
    await ingest.whenEvents(1);
    gatewayd.kill('SIGUSR2');
    const events = await ingest.whenEvents(2);
    const places = events.map(({ exception }) => exception!.values[0]!.stacktrace!.frames.at(-1)!['function']);
    expect(places).to.deep.equal(['Object.apply', 'process.fail']);
    await gatewayd.stop();
    expect(ingest.events).to.have.length(2);
  });

  it('takes its part in a reload that is asked for, and reports the start once', async () => {
    const reported = collector.next();
    await run({ environment: { SPEC_SIGNAL_READY: 'SIGHUP' } });
    await gatewayd.line(({ msg }) => msg === 'reloaded');
    await reported;
    gatewayd.kill('SIGUSR2');
    // Of either generation, while both are there.
    await ingest.whenEvents(1);
    expect(await gatewayd.stop()).to.deep.equal({ code: 0, signal: null });
    expect(
      gatewayd.lines.filter((line) => line.msg.startsWith('plugin ') && isOurs(line)).map(({ msg }) => msg),
    ).to.deep.equal(['plugin loaded', 'plugin reloaded', 'plugin unloaded']);
    expect(collector.reports).to.have.length(1);
  });

  it('is loaded and unloaded when it is asked to stop, and sends nothing', async () => {
    await run({ environment: { SPEC_SIGNAL_READY: 'SIGTERM' } });
    expect(await gatewayd.exited).to.deep.equal({ code: 0, signal: null });
    expect(
      gatewayd.lines.filter((line) => line.msg.startsWith('plugin ') && isOurs(line)).map(({ msg }) => msg),
    ).to.deep.equal(['plugin loaded', 'plugin unloaded']);
    expect(gatewayd.lines.map(({ msg }) => msg)).not.to.include('connecting');
  });

  for (const [when, line] of [
    ['before', 'about to listen'],
    ['in that moment', '"msg":"ready"'],
  ] as const) {
    it(`reports an error of gatewayd itself that ends the process ${when}`, async () => {
      await run({ chatty: true, environment: { SPEC_FATAL_AT: line, SPEC_NO_EXIT: undefined } });
      expect(await gatewayd.exited).to.deep.equal({ code: 1, signal: null });
      const fatal = ingest.events.filter(({ level }) => level === 'fatal');
      expect(fatal.map(({ exception }) => exception!.values[0]!.type)).to.deep.equal(['RangeError']);
    });
  }

  it('is done without where it cannot be loaded: nothing is sent, and nothing is said that would be', async () => {
    await run({ telemetry: { usageReport: { enabld: true } } });
    const failure = await gatewayd.line(({ code }) => code === 'PLUGIN_BAD_CONFIG');
    expect(failure).to.include({ plugin: 'telemetry' });
    gatewayd.kill('SIGUSR2');
    await gatewayd.line(({ msg }) => msg.includes('it failed'));
    expect(await gatewayd.stop()).to.deep.equal({ code: 0, signal: null });
    expect(order('ready', 'an anonymous usage report', 'connecting')).to.deep.equal(['ready']);
  });
});
