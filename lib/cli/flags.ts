import type { ConfigSources } from '../config/read-config.ts';
import { telemetryConfigSchema } from '../telemetry/config-schema.ts';

// A flag without `default` is undefined when it is not given: an explicit word counts for more than a default.

/** Of every command that reads the configuration. */
export const configFlag = {
  config: {
    alias: 'c',
    type: 'string',
    requiresArg: true,
    defaultDescription: '"gatewayd.yaml"',
    describe: 'The configuration',
  },
} as const;

/** Of every command that reads about plugins. */
export const pluginConfigFlag = {
  'plugin-config': {
    alias: 'p',
    type: 'string',
    requiresArg: true,
    defaultDescription: '"gatewayd_plugins.yaml"',
    describe: "GatewayD's own file about plugins; not needed when gatewayd.yaml says it all",
  },
} as const;

/** Of every command. */
export const commonFlags = {
  sentry: {
    type: 'boolean',
    defaultDescription: 'true',
    describe: 'Report errors to the Sentry DSN in the configuration; without one, nothing is sent',
  },
} as const;

/** Of every command that prints a table. */
export const jsonFlag = {
  json: { type: 'boolean', default: false, describe: 'Print JSON, also on a terminal' },
} as const;

/** The files that the flags name, for `loadConfig` and `lintConfig`. */
export function configSources(flags: {
  readonly config?: string | undefined;
  readonly 'plugin-config'?: string | undefined;
}): ConfigSources {
  const { config, 'plugin-config': pluginConfig } = flags;
  return {
    configFile: config ?? 'gatewayd.yaml',
    configFileGiven: config !== undefined,
    pluginConfigFile: pluginConfig ?? 'gatewayd_plugins.yaml',
    pluginConfigFileGiven: pluginConfig !== undefined,
    environment: process.env,
    pluginConfigSchemas: { telemetry: telemetryConfigSchema },
  };
}
