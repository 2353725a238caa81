import { GatewayDError } from '../errors.ts';
import { configSources } from './flags.ts';

interface SentryConfig {
  readonly dsn?: string;
  readonly environment?: string;
  readonly messages?: boolean;
}

/**
 * Reports an error that ended a command, where it is a defect and no answer to what the user did, to the Sentry DSN
 * of the configuration that the flags name. Without one, or with telemetry turned off, nothing happens.
 */
export async function reportUnexpected(
  defect: unknown,
  flags: { readonly config?: string; readonly 'plugin-config'?: string; readonly sentry?: boolean | undefined },
): Promise<void> {
  if (defect instanceof GatewayDError || flags.sentry === false) return;
  try {
    const [{ loadConfig }, { choiceConfig, telemetryChoice }, { telemetryPlaces }, { readSavedChoice }] =
      await Promise.all([
        import('../config/load.ts'),
        import('../telemetry/choice.ts'),
        import('../telemetry/places.ts'),
        import('../telemetry/saved-choice.ts'),
      ]);
    const loaded = await loadConfig(configSources(flags));
    const saved = readSavedChoice(telemetryPlaces(process.env).choiceFile);
    const fromConfig = choiceConfig(loaded);
    const choice = telemetryChoice({ flags: { sentry: flags.sentry }, environment: process.env, ...fromConfig, saved });
    if (!choice.sentry.on) return;
    const { dsn = '', environment = 'production', messages = false } = sentryConfig(fromConfig.row?.config);
    const [{ reportCoreError }, { version }] = await Promise.all([
      import('../../plugins/telemetry/report-core-error.ts'),
      import('../version.ts'),
    ]);
    await reportCoreError(defect, { dsn, environment, messages, release: version });
  } catch {
    // The command failed already, and its user is told why.
  }
}

function sentryConfig(config: unknown): SentryConfig {
  return (config as { sentry?: SentryConfig } | undefined)?.sentry ?? {};
}
