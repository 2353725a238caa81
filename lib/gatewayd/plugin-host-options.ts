import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { milliseconds } from '../config/durations.ts';
import { formatIssue } from '../config/format-issues.ts';
import { defaultPluginRow } from '../config/plugin-row.ts';
import type { PluginRow } from '../config/schema.ts';
import type { PluginHostOptions } from '../plugin/options.ts';
import { choiceConfig, chosenConfig, telemetryChoice, type TelemetryChoice } from '../telemetry/choice.ts';
import { compiledConfigSchema } from '../telemetry/compiled-config-schema.ts';
import { telemetryConfigSchema } from '../telemetry/config-schema.ts';
import { telemetryPlaces } from '../telemetry/places.ts';
import { readSavedChoice, type SavedChoice } from '../telemetry/saved-choice.ts';
import { version } from '../version.ts';
import type { GatewayDOptions } from './options.ts';

const builtInDirectory = fileURLToPath(new URL('../../plugins', import.meta.url));

/** What the plugins are hosted with, for whoever wants to look at them without a gateway; and what of telemetry is on. */
export function pluginHostOptions(options: GatewayDOptions): {
  readonly options: PluginHostOptions;
  readonly choice: TelemetryChoice;
  readonly saved: SavedChoice;
} {
  const { config, directory } = options.loaded;
  const row = config.plugins.find(({ name }) => name === 'telemetry');
  const saved = readSavedChoice(telemetryPlaces(options.environment).choiceFile);
  const choice = telemetryChoice({
    flags: options.flags,
    environment: options.environment,
    ...choiceConfig(options.loaded),
    saved,
  });
  return {
    choice,
    saved,
    options: {
      version,
      logger: options.logger,
      directory: path.resolve(directory, config.pluginHost.directory),
      directoryGiven: config.pluginHost.directory !== './plugins',
      builtInDirectory,
      builtIns: choice.usageReport.on || choice.sentry.on ? ['telemetry'] : [],
      lockFile: path.join(directory, 'plugins.lock'),
      verify: config.pluginHost.verify,
      devMode: options.devMode,
      rows: withTelemetry(options.loaded, row, choice),
      timeout: milliseconds(config.pluginHost.timeout),
      runners: runnersFor(options),
      breaker: config.pluginHost.breaker,
      hangTimeout: milliseconds(config.pluginHost.hangTimeout),
      configSchemas: { telemetry: telemetryConfigSchema },
      compiledSchemas: compiledConfigSchema,
      describeConfigFault: (plugin, fault) => {
        const index = config.plugins.findIndex(({ name }) => name === plugin);
        return formatIssue(options.loaded.sources.pluginIssue(index, fault));
      },
    },
  };
}

/** Loaded when a plugin asks for it: most starts need none of it. */
function runnersFor({ loaded, logger }: GatewayDOptions): NonNullable<PluginHostOptions['runners']> {
  const { timeout, startTimeout, healthCheckPeriod, reloadOnCrash } = loaded.config.pluginHost;
  return async (isolation) => {
    if (isolation === 'none') return undefined;
    const { isolatedRunner } = await import('../isolation/isolated-runner.ts');
    return isolatedRunner(isolation, {
      logger,
      timeout: milliseconds(timeout),
      startTimeout: milliseconds(startTimeout),
      healthCheckPeriod: milliseconds(healthCheckPeriod),
      reloadOnCrash,
    });
  };
}

/** The rows with the telemetry plugin's saying what was chosen: it is loaded when either half is on. */
function withTelemetry(
  { config: { plugins: rows }, directory }: GatewayDOptions['loaded'],
  row: PluginRow | undefined,
  choice: TelemetryChoice,
): readonly PluginRow[] {
  const config = chosenConfig(row, choice, directory);
  if (row !== undefined) return rows.map((other) => (other === row ? { ...row, enabled: true, config } : other));
  return [...rows, { ...defaultPluginRow('telemetry'), config }];
}
