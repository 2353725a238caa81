import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, jsonFlag, pluginConfigFlag } from './flags.ts';
import { openPlugins } from './plugins.ts';
import { terminalOf } from './terminal.ts';

/** `gatewayd plugin lint` */
export const pluginLintCommand = defineCommand({
  name: 'plugin lint',
  describe: 'Check the plugins as far as that goes without running any',
  flags: { ...configFlag, ...pluginConfigFlag, ...jsonFlag },
  async run(flags) {
    const [{ inspectPlugins }, { pluginFailures, pluginJson }] = await Promise.all([
      import('../plugin/inspect.ts'),
      import('./plugin-table.ts'),
    ]);
    const { options } = await openPlugins(flags);
    const reports = await inspectPlugins(options);
    const failed = reports.filter(({ state }) => state === 'failed');
    if (flags.json) process.stdout.write(pluginJson(failed));
    else if (failed.length > 0) process.stderr.write(pluginFailures(failed, terminalOf(process.stderr)));
    else
      process.stdout.write(
        `${reports.length === 1 ? '1 plugin is' : `${reports.length} plugins are`} in order, as far as that shows before any of their code runs\n`,
      );
    return failed.length > 0 ? exitCodes.plugin : exitCodes.ok;
  },
});
