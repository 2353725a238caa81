import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, jsonFlag, pluginConfigFlag } from './flags.ts';
import { openPlugins } from './plugins.ts';
import { terminalOf } from './terminal.ts';

/** `gatewayd plugin list` */
export const pluginListCommand = defineCommand({
  name: 'plugin list',
  describe: 'List the plugins, without running any',
  flags: {
    ...configFlag,
    ...pluginConfigFlag,
    'only-enabled': {
      alias: 'e',
      type: 'boolean',
      default: false,
      describe: 'Leave out the ones that are turned off in the configuration',
    },
    ...jsonFlag,
  },
  async run(flags) {
    const [{ inspectPlugins }, { pluginJson, pluginTable }] = await Promise.all([
      import('../plugin/inspect.ts'),
      import('./plugin-table.ts'),
    ]);
    const { options } = await openPlugins(flags);
    const reports = (await inspectPlugins(options)).filter(
      ({ state }) => !flags['only-enabled'] || state !== 'disabled',
    );
    if (flags.json || !process.stdout.isTTY) process.stdout.write(pluginJson(reports));
    else if (reports.length > 0) process.stdout.write(await pluginTable(reports, terminalOf(process.stdout)));
    else process.stdout.write(`There are no plugins in ${options.directory}.\n`);
    return exitCodes.ok;
  },
});
