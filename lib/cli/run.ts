import type { LoadedConfig } from '../config/load.ts';
import type { GlobalConfig, LoggerConfig } from '../config/schema.ts';
import type { GatewayD } from '../gatewayd.ts';
import type { Listening, Started } from '../gatewayd/started.ts';
import type { Logger } from '../logger.ts';
import { defineCommand, type FlagValues } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, configSources, pluginConfigFlag } from './flags.ts';
import { askedToStop, endOnUncaught } from './supervise.ts';

const flags = {
  ...configFlag,
  ...pluginConfigFlag,
  dev: {
    type: 'boolean',
    default: false,
    describe: 'For writing plugins: take them as they are, and again when they change',
  },
  'usage-report': {
    type: 'boolean',
    defaultDescription: 'true',
    describe: 'Send the anonymous usage report; `gatewayd telemetry show` prints it',
  },
  lint: {
    type: 'boolean',
    default: true,
    describe: 'Warn of what in the configuration has no effect; errors in it count always',
  },
  tracing: { type: 'boolean', default: false, describe: 'Trace with OpenTelemetry; still to come' },
  'collector-url': {
    type: 'string',
    requiresArg: true,
    defaultDescription: '"localhost:4317"',
    describe: 'Where traces go; still to come',
  },
} as const;

type RunFlags = FlagValues<typeof flags>;

/** `gatewayd run` */
export const runCommand = defineCommand({
  name: 'run',
  describe: 'Run the gateway',
  flags,
  examples: [
    ['$0 run', 'with gatewayd.yaml, if there is one here'],
    ['$0 run --dev', 'while writing plugins'],
    ['$0 run -c /etc/gatewayd.yaml', 'with the configuration there'],
  ],
  async run(given) {
    const [{ ConfigReader }, { createLogger }, { GatewayD: Gatewayd }] = await Promise.all([
      import('../config/config-reader.ts'),
      import('../logger/create-logger.ts'),
      import('../gatewayd.ts'),
    ]);
    const reader = new ConfigReader(configSources(given));
    const loaded = await reader.load();
    const logger = await createLogger(ownLogger(loaded.config));
    await warn(given, loaded, logger);
    const gatewayd = new Gatewayd({
      loaded,
      reread: () => reader.load(),
      devMode: given.dev,
      flags: { sentry: given.sentry, usageReport: given['usage-report'] },
      environment: process.env,
      logger,
    });
    return await runUntilAsked(gatewayd, logger);
  },
});

function ownLogger({ loggers }: GlobalConfig): LoggerConfig {
  if (loggers['default'] === undefined) throw new TypeError('a configuration always has the logger `default`');
  return loggers['default'];
}

async function runUntilAsked(gatewayd: GatewayD, logger: Logger): Promise<number> {
  endOnUncaught(gatewayd, logger);
  const asked = askedToStop(gatewayd, logger);
  const starting = gatewayd.start();
  starting.catch((failure: unknown) => {
    // People read it on stderr.
    if (!process.stdout.isTTY) logger.fatal({ err: failure }, 'not started');
  });
  const listening = await Promise.race([starting, asked.then(() => null)]);
  if (listening !== null) {
    if (!process.stdout.isTTY) sayReady(listening, logger);
    const started = { ...listening, ...(await gatewayd.complete()) };
    const said = await present(started, logger);
    if (said && started.notice !== null) void gatewayd.noticeGiven();
    gatewayd.announce(said);
  }
  const signal = await asked;
  // What is half started cannot be stopped.
  await starting.catch(() => {});
  await gatewayd.signal(signal);
  await gatewayd.stop();
  return exitCodes.ok;
}

/** For programs: in the moment when every server listens. */
function sayReady({ configFile: _file, devMode: _mode, ...facts }: Listening, logger: Logger): void {
  logger.info(facts, 'ready');
}

/**
 * People get a summary; the log has a line where something is to be said of the usage report.
 * @returns whether that is out
 */
async function present(started: Started, logger: Logger): Promise<boolean> {
  if (!process.stdout.isTTY) {
    const { notice } = started;
    if (notice === null) return true;
    // The log is written before the call returns. Where it is to be quieter than this, it is said beside it.
    if (!logger.isLevelEnabled('info')) return await written(process.stderr, `gatewayd: ${notice}\n`);
    logger.info({ part: 'telemetry' }, notice);
    return true;
  }
  const [{ summary }, { terminalOf }] = await Promise.all([import('./summary.ts'), import('./terminal.ts')]);
  return await written(process.stdout, await summary(started, terminalOf(process.stdout)));
}

function written(stream: NodeJS.WriteStream, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    stream.once('error', () => resolve(false));
    stream.write(text, (error) => resolve(error == null));
  });
}

async function warn(given: RunFlags, { warnings }: LoadedConfig, logger: Logger): Promise<void> {
  if (given.tracing || given['collector-url'] !== undefined) {
    logger.warn('--tracing and --collector-url have no effect yet: tracing is still to come');
  }
  if (!given.lint || warnings.length === 0) return;
  const { formatIssue } = await import('../config/format-issues.ts');
  for (const issue of warnings) logger.warn({ part: 'config' }, formatIssue({ ...issue }));
}
