import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import type { LogLine } from '../support/gatewayd-process.ts';
import { TelemetryProcess, type TelemetryRun } from '../support/telemetry-process.ts';

const recorded = pathToFileURL(fileURLToPath(new URL('../fixtures/telemetry/recorded.mjs', import.meta.url))).href;
const dsn = 'https://key@ingest.invalid/1';
const on = { usageReport: { address: 'collector.invalid:59091' }, sentry: { dsn } };
const root = path.resolve(fileURLToPath(new URL('../..', import.meta.url)));
/** Without the way to this checkout, in which there may be any word. */
const below = (what: unknown) => String(what).replaceAll(root, '');
const isImport = ({ msg, what }: LogLine) =>
  msg === 'import' && /plugins\/telemetry|grpc-js|google-protobuf|sentry|usagereport|http2/.test(below(what));
const isSentry = ({ what }: LogLine) => /sentry|error-reporter/.test(below(what));
/** Listening looks the server's own address up. */
const isNetwork = ({ msg, what }: LogLine) => msg === 'network' && what !== 'lookup 127.0.0.1';

describe('telemetry that is turned off', () => {
  let gatewayd: TelemetryProcess;

  /** Runs gatewayd, with a plugin that fails before and after it listens, all its imports and network calls recorded. */
  async function run(options: TelemetryRun): Promise<void> {
    const environment = { ...options.environment, NODE_OPTIONS: `--import ${recorded}` };
    gatewayd = await new TelemetryProcess({ ...options, early: true, environment }).ready();
  }

  const fail = async () => {
    gatewayd.kill('SIGUSR2');
    await gatewayd.line(({ msg }) => msg.includes('it failed') && !msg.includes('early'));
  };

  afterEach(() => gatewayd[Symbol.asyncDispose]());

  // Shows that the recording sees what the others do not do.
  it('is not what it is by default: it imports, looks up and connects', async () => {
    await run({ telemetry: on });
    await gatewayd.line(({ what }) => what === 'resolve4');
    await gatewayd.line(({ what }) => String(what).endsWith('sentry-sdk.js'));
    await gatewayd.stop();
    const firstImport = gatewayd.lines.findIndex(
      (line) => isImport(line) && !/telemetry\/index\.cjs/.test(String(line['what'])),
    );
    expect(gatewayd.lines.findIndex(({ msg }) => msg === 'ready')).to.be.lessThan(firstImport);
    expect(gatewayd.lines.filter((line) => isNetwork(line) && String(line['what']).startsWith('lookup'))).to.deep.equal(
      [],
    );
  });

  for (const [how, options] of [
    ['--usage-report=false and --sentry=false', { telemetry: on, flags: ['--usage-report=false', '--sentry=false'] }],
    ['DO_NOT_TRACK=1', { telemetry: on, environment: { DO_NOT_TRACK: '1' } }],
    [
      'the environment, against no row at all',
      { environment: { GATEWAYD_PLUGINS_TELEMETRY_CONFIG_USAGE_REPORT_ENABLED: 'false' } },
    ],
    ['the config', { telemetry: { usageReport: { enabled: false }, sentry: { enabled: false, dsn } } }],
    ['the config and there being no DSN', { telemetry: { usageReport: { enabled: false } } }],
  ] as const) {
    it(`imports nothing and touches no network when it is by ${how}`, async () => {
      await run(options);
      await fail();
      expect(await gatewayd.stop()).to.deep.equal({ code: 0, signal: null });
      expect(gatewayd.lines.filter((line) => line.msg === 'import')).not.to.deep.equal([]);
      expect(gatewayd.lines.filter(isImport)).to.deep.equal([]);
      expect(gatewayd.lines.filter(isNetwork)).to.deep.equal([]);
    });
  }

  it('loads nothing of Sentry while there is no DSN, though the usage report is on', async () => {
    await run({ telemetry: { usageReport: on.usageReport } });
    await fail();
    await gatewayd.line(({ what }) => what === 'resolve4');
    await gatewayd.stop();
    expect(gatewayd.lines.filter(isSentry)).to.deep.equal([]);
  });

  it('loads nothing of Sentry while nothing fails, though there is a DSN', async () => {
    const environment = { NODE_OPTIONS: `--import ${recorded}` };
    gatewayd = await new TelemetryProcess({ telemetry: on, environment }).ready();
    await gatewayd.line(({ what }) => what === 'resolve4');
    await gatewayd.stop();
    expect(gatewayd.lines.filter(isSentry)).to.deep.equal([]);
  });
});
