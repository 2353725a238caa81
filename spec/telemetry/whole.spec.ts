import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';
import { Ingest, type IngestedEvent } from '../support/ingest.ts';
import { Folder } from '../support/launch.ts';
import { TelemetryProcess, type TelemetryRun } from '../support/telemetry-process.ts';
import { until } from '../support/until.ts';

const fixture = (name: string) =>
  pathToFileURL(fileURLToPath(new URL(`../fixtures/telemetry/${name}`, import.meta.url))).href;

/** Fails in its own code, on its way in a hook, at once, later and for good; on SIGUSR2, as often as its config says. */
const failing = `class AuditError extends Error {}
function audit() {
  throw new AuditError('a text');
}
export default {
  version: '3.2.1',
  apply(host) {
    const { times = 0 } = host.config ?? {};
    if (times === 0) {
      host.hooks.startup.tap('now', audit);
      host.hooks.booted.tapPromise('later', async () => audit());
    }
    const again = () => {
      for (let time = 0; time < times; time += 1) host.reportError(new AuditError('a text'), { hook: 'opening' });
      host.reportError(new AuditError('a text'), { hook: 'closed' });
    };
    process.on('SIGUSR2', again);
    return () => void process.off('SIGUSR2', again);
  },
};
`;

describe('the error reports of a whole gatewayd', () => {
  let operator: Ingest;
  let author: Ingest;
  let operatorDsn: string;
  let authorDsn: string;
  let folder: Folder;
  const running: AsyncDisposable[] = [];

  beforeEach(async () => {
    [operator, author] = [new Ingest(), new Ingest()];
    [operatorDsn, authorDsn] = [await operator.listen(), await author.listen()];
    folder = new Folder({ 'plugins/audit.js': failing, 'plugins/mute.js': failing });
  });

  afterEach(async () => {
    for (const one of running.splice(0)) await one[Symbol.asyncDispose]();
    operator.close();
    author.close();
    folder[Symbol.dispose]();
  });

  async function start(row: object, environment: NodeJS.ProcessEnv = {}): Promise<GatewayDProcess> {
    const config = {
      clients: { default: { writes: { address: '127.0.0.1:1' } } },
      servers: { default: { address: '127.0.0.1:0' } },
      plugins: [
        { name: 'telemetry', config: { usageReport: { enabled: false }, sentry: { dsn: operatorDsn } } },
        { name: 'audit', sentryDsn: authorDsn, ...row },
        { name: 'mute', errorReports: 'none' },
      ],
    };
    folder.write('gatewayd.yaml', stringify(config));
    const gatewayd = await GatewayDProcess.start(['run', '-c', folder.at('gatewayd.yaml')], {
      environment: cleanEnvironment({ XDG_STATE_HOME: folder.at('state'), ...environment }),
    });
    running.push(gatewayd);
    return gatewayd;
  }

  const byHook = (events: readonly IngestedEvent[]) =>
    events
      .map(({ tags, exception }) => ({ tags, exception }))
      .sort((one, other) => String(one.tags?.['hook']).localeCompare(String(other.tags?.['hook'])));

  it('are the same for a plugin in a thread, in a process of its own and in gatewayd', async function () {
    this.timeout(60_000);
    const sent: Record<string, unknown> = {};
    for (const isolation of ['none', 'worker', 'process']) {
      operator.envelopes.length = author.envelopes.length = 0;
      const gatewayd = await start({ isolation });
      const [toOperator, toAuthor] = await Promise.all([operator.whenEvents(2), author.whenEvents(2)]);
      await gatewayd.stop();
      sent[isolation] = { operator: byHook(toOperator), author: byHook(toAuthor) };
      for (const { tags, exception } of [...toOperator, ...toAuthor]) {
        expect(tags).to.include({ 'plugin.name': 'audit', 'plugin.version': '3.2.1', phase: 'hook' });
        expect(exception!.values[0]!.type).to.equal('AuditError');
        const last = exception!.values[0]!.stacktrace!.frames.at(-1);
        expect(last).to.include({ filename: 'app:///plugins/audit/audit.js', lineno: 3 });
        expect(last!['function']).to.match(/^(Object\.)?audit$/);
      }
      expect(byHook(toOperator).map(({ tags }) => tags!['hook'])).to.deep.equal(['booted', 'startup']);
      expect(JSON.stringify(operator.envelopes)).to.not.include('mute');
    }
    // Who called the plugin's code, and as what, is another in each place.
    const places = (key: string, value: unknown) =>
      key === 'frames'
        ? (value as { filename: string; lineno: number; colno: number }[]).flatMap(({ filename, lineno, colno }) =>
            filename.includes('audit') ? [`${filename}:${lineno}:${colno}`] : [],
          )
        : value;
    const own = (where: string) => JSON.parse(JSON.stringify(sent[where]), places) as unknown;
    expect(own('worker')).to.deep.equal(own('none'));
    expect(own('process')).to.deep.equal(own('none'));
  });

  it('are printed and not sent with GATEWAYD_TELEMETRY_DEBUG', async () => {
    const gatewayd = await start({}, { GATEWAYD_TELEMETRY_DEBUG: '1' });
    const printed = () => gatewayd.text.join('\n');
    await until(() => (printed().match(/"type": "AuditError"/g) ?? []).length >= 4);
    await gatewayd.stop();
    const { host } = new URL(operatorDsn);
    expect(printed()).to.match(
      new RegExp(`telemetry: this error report of \\d+ bytes would go to http://${host}/api/42/envelope/`),
    );
    expect(printed()).to.include('"plugin.name": "audit"').and.include('app:///plugins/audit/audit.js');
    expect(printed()).to.not.include(new URL(operatorDsn).username);
    expect([...operator.events, ...author.events]).to.deep.equal([]);
    expect(existsSync(folder.at('state/gatewayd/telemetry.log'))).to.equal(false);
  });

  it('are held back by what an ingest asked for, and by the flood gate, after a reload as before', async () => {
    operator.status = 429;
    operator.headers = { 'retry-after': '600' };
    const gatewayd = await start({ config: { times: 20 } });
    gatewayd.kill('SIGUSR2');
    await author.whenEvents(6);
    await until(() => readFileSync(folder.at('state/gatewayd/telemetry.log'), 'utf8').includes('429'));
    const before = operator.events.length;
    gatewayd.kill('SIGHUP');
    await gatewayd.line(({ msg }) => msg === 'reloaded');
    gatewayd.kill('SIGUSR2');
    await gatewayd.line(
      ({ code, generation, hook }) => code === 'PLUGIN_REPORTED' && generation === 2 && hook === 'closed',
    );
    const events = await author.whenEvents(7);
    await gatewayd.stop();
    const count = (hook: string) => events.filter(({ tags }) => tags?.['hook'] === hook).length;
    // The last generation may have heard the signal, too.
    expect(count('closed')).to.be.within(2, 3);
    expect(count('opening')).to.equal(5);
    expect(operator.events.length).to.equal(before);
  });

  describe('leave the process as it is without them:', () => {
    const imports = ['watched.mjs', 'global-watch.mjs'].map((name) => `--import ${fixture(name)}`).join(' ');

    async function run({ environment, ...more }: TelemetryRun): Promise<TelemetryProcess> {
      const gatewayd = await new TelemetryProcess({
        ...more,
        telemetry: { usageReport: { enabled: false }, sentry: { dsn: operatorDsn } },
        environment: { NODE_OPTIONS: imports, ...environment },
      }).ready();
      running.push(gatewayd);
      return gatewayd;
    }

    async function afterFailure(flags: readonly string[]): Promise<TelemetryProcess> {
      const gatewayd = await run({ flags });
      gatewayd.kill('SIGUSR2');
      await gatewayd.line(({ msg }) => msg.includes('it failed'));
      return gatewayd;
    }

    it('globals, prototypes, loaders and listeners', async () => {
      const globals = async (gatewayd: TelemetryProcess) => {
        gatewayd.kill('SIGWINCH');
        return (await gatewayd.line(({ msg }) => msg === 'globals'))['members'];
      };
      const on = await afterFailure([]);
      await operator.whenEvents(1);
      const off = await afterFailure(['--sentry=false']);
      expect(await globals(on)).to.deep.equal(await globals(off));
      expect(operator.events).to.have.length(1);
    });

    it('exit codes, at the end and at an end that nobody expected', async () => {
      for (const flags of [[], ['--sentry=false']]) {
        const ended = await afterFailure(flags);
        expect(await ended.stop()).to.deep.equal({ code: 0, signal: null });
        const fatal = await run({ flags, environment: { SPEC_FATAL: '1' } });
        fatal.kill('SIGUSR2');
        expect(await fatal.exited).to.deep.equal({ code: 1, signal: null });
      }
    });
  });
});
