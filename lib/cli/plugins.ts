import type { LoadedConfig } from '../config/load.ts';
import type { PluginHostOptions } from '../plugin/options.ts';
import type { TelemetryChoice } from '../telemetry/choice.ts';
import type { SavedChoice } from '../telemetry/saved-choice.ts';
import { configSources } from './flags.ts';

/** What a command that looks at plugins starts from. */
export interface OpenedPlugins {
  readonly loaded: LoadedConfig;
  readonly options: PluginHostOptions;
  readonly choice: TelemetryChoice;
  readonly saved: SavedChoice;
}

/** Where `run` would find plugins with the same flags, and how far it would trust them. */
export async function openPlugins(flags: {
  readonly config?: string | undefined;
  readonly 'plugin-config'?: string | undefined;
  readonly dev?: boolean;
  readonly sentry?: boolean | undefined;
  readonly 'usage-report'?: boolean | undefined;
}): Promise<OpenedPlugins> {
  const [{ loadConfig }, { silentLogger }, { pluginHostOptions }] = await Promise.all([
    import('../config/load.ts'),
    import('../logger.ts'),
    import('../gatewayd/plugin-host-options.ts'),
  ]);
  const loaded = await loadConfig(configSources(flags));
  return {
    loaded,
    ...pluginHostOptions({
      loaded,
      devMode: flags.dev ?? false,
      flags: { sentry: flags.sentry, usageReport: flags['usage-report'] },
      environment: process.env,
      logger: silentLogger(),
    }),
  };
}
