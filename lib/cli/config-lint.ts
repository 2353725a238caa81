import { existsSync } from 'node:fs';
import { telemetryConfigSchema } from '../telemetry/config-schema.ts';
import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, configSources, pluginConfigFlag } from './flags.ts';

/** `gatewayd config lint` */
export const configLintCommand = defineCommand({
  name: 'config lint',
  describe: 'Check the configuration, without starting anything',
  flags: { ...configFlag, ...pluginConfigFlag },
  async run(flags) {
    const [{ lintConfig }, { formatIssues }, { configFaults }, { compiledConfigSchema }] = await Promise.all([
      import('../config/lint.ts'),
      import('../config/format-issues.ts'),
      import('../plugin/plugin-config.ts'),
      import('../telemetry/compiled-config-schema.ts'),
    ]);
    const sources = configSources(flags);
    const issues = await lintConfig({
      ...sources,
      // What a plugin of the user's wants in its row only its code knows, and none of that runs here.
      checkPluginConfig: async (plugin, config) =>
        plugin === 'telemetry'
          ? await configFaults(plugin, config ?? {}, telemetryConfigSchema, compiledConfigSchema)
          : [],
    });
    const errors = issues.filter((issue) => issue.severity === 'error').length;
    if (issues.length > 0) process.stderr.write(`${formatIssues(issues)}\n`);
    if (errors > 0) return exitCodes.config;
    const checked = existsSync(sources.configFile) ? sources.configFile : 'what there is besides';
    process.stdout.write(`${checked} is in order\n`);
    return exitCodes.ok;
  },
});
