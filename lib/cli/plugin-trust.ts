import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, pluginConfigFlag } from './flags.ts';
import { openPlugins } from './plugins.ts';

/** `gatewayd plugin trust NAME..` */
export const pluginTrustCommand = defineCommand({
  name: 'plugin trust',
  describe: 'Accept plugins as they are now: their checksums go into plugins.lock',
  values: { name: 'name', describe: 'A plugin, as `plugin list` names it' },
  flags: { ...configFlag, ...pluginConfigFlag },
  examples: [['$0 plugin trust query-logger', 'after an update, or an edit of your own']],
  async run(flags, names) {
    const { trustPlugin } = await import('../plugin/trust.ts');
    const { options } = await openPlugins(flags);
    for (const name of names) {
      const { checksum, previous } = await trustPlugin(options, name);
      const change =
        previous === checksum
          ? 'was trusted as it is already'
          : `is trusted now${previous === null ? '' : `; before, it was ${previous.slice(0, 12)}`}`;
      process.stdout.write(`${name} ${checksum.slice(0, 12)} ${change}\n`);
    }
    return exitCodes.ok;
  },
});
