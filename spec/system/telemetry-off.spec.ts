import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { cleanEnvironment, launcher } from '../support/gatewayd-process.ts';
import { command } from '../support/command.ts';
import { Folder } from '../support/launch.ts';

const address = '127.0.0.9:59091';

const config = (telemetry: object): string =>
  JSON.stringify({
    clients: { default: { writes: { address: '127.0.0.1:1' } } },
    servers: { default: { address: '127.0.0.1:0' } },
    plugins: [{ name: 'telemetry', ...telemetry }],
  });

const sending = { config: { usageReport: { address }, sentry: { dsn: 'http://key@ingest.invalid/1' } } };

/** One that stops the gateway once a report would have left, and fails before that. */
const plugin = `export default { version: '1.0.0', apply(host) {
  host.reportError(new Error('it failed'));
  host.hooks.startup.tap('stop', () => { setTimeout(() => host.logger.info('waited'), 1500); });
} };
`;

interface Run {
  readonly telemetry?: object;
  readonly flags?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  readonly saved?: object;
}

/** What a run of two seconds asked of the system, in lines of strace. */
async function traced({ telemetry = sending, flags = [], environment = {}, saved }: Run): Promise<string[]> {
  using folder = new Folder({ 'gatewayd.yaml': config(telemetry), 'plugins/waiting.mjs': plugin });
  const home = { XDG_CONFIG_HOME: folder.at('config'), XDG_STATE_HOME: folder.at('state') };
  if (saved !== undefined) {
    mkdirSync(folder.at('config/gatewayd'), { recursive: true });
    writeFileSync(folder.at('config/gatewayd/telemetry.json'), JSON.stringify(saved));
  }
  const calls = 'trace=openat,open,connect,sendto,sendmsg,sendmmsg';
  const trace = ['-f', '-qq', '-e', calls, '-s', '256', '-o', folder.at('trace')];
  // Without an agent, `timeout` asks it to stop once all that could have been sent would have been.
  const run = [
    'timeout',
    '--preserve-status',
    '-s',
    'TERM',
    '4',
    'strace',
    ...trace,
    process.execPath,
    launcher,
    'run',
  ];
  const [file = '', ...rest] = [...run, '-c', folder.at('gatewayd.yaml'), ...flags];
  await command(file, rest, { cwd: folder.path, environment: cleanEnvironment({ ...home, ...environment }) });
  return readFileSync(folder.at('trace'), 'utf8').split('\n');
}

/** Listening makes the C library read resolv.conf; who asks a name server connects to it. */
const ofTelemetry = (line: string): boolean =>
  /127\.0\.0\.9|sin_port=htons\(53\)|plugins\/telemetry|state\/gatewayd|gatewayd\/telemetry\.(?:json|log)/.test(line);

describe('what the system sees of telemetry', () => {
  it('is its files, its log and its collector while it is on', async () => {
    const lines = (await traced({})).filter(ofTelemetry).join('\n');
    expect(lines)
      .to.match(/connect\(.*127\.0\.0\.9/)
      .and.match(/sin_port=htons\(53\)/);
    expect(lines).to.contain('plugins/telemetry/index.cjs').and.contain('gatewayd/telemetry.log');
  });

  for (const [how, run] of [
    ['the flags', { flags: ['--usage-report=false', '--sentry=false'] }],
    ['DO_NOT_TRACK', { environment: { DO_NOT_TRACK: '1' } }],
    ['a variable', { environment: { GATEWAYD_PLUGINS_TELEMETRY_ENABLED: 'false' } }],
    [
      'the config of both halves',
      { telemetry: { config: { usageReport: { enabled: false, address }, sentry: { enabled: false } } } },
    ],
    ['the row in the config', { telemetry: { ...sending, enabled: false } }],
    ['the saved choice', { saved: { usageReport: false, sentry: false } }],
  ] as const) {
    it(`is nothing but a look at the saved choice when it is turned off by ${how}`, async () => {
      const seen = (await traced(run)).filter(ofTelemetry);
      expect(seen.filter((line) => !/openat\(.*gatewayd\/telemetry\.json"/.test(line))).to.deep.equal([]);
      expect(seen).not.to.have.length(0);
    });
  }
});
