import type { Explained } from '../gatewayd/status.ts';
import { GatewayDError } from '../errors.ts';
import { defineCommand } from './command.ts';
import { cliErrors } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, jsonFlag, pluginConfigFlag } from './flags.ts';
import { askRunning } from './running.ts';
import { printable } from './terminal.ts';

/** `gatewayd plugin explain [HOOK..]` */
export const pluginExplainCommand = defineCommand({
  name: 'plugin explain',
  describe: 'Show in which order plugins are called in the gatewayd that runs, and why',
  values: { name: 'hook', describe: 'A hook; without one, every hook that a plugin taps', optional: true },
  flags: { ...configFlag, ...pluginConfigFlag, ...jsonFlag },
  examples: [['$0 plugin explain trafficFromClient', 'who sees a query first']],
  async run(flags, names) {
    await checkHooks(names);
    const { hooks: all, generation } = await askRunning<Explained>(flags, 'explain');
    const hooks = names.length === 0 ? all : all.filter(({ hook }) => names.includes(hook));
    if (flags.json) process.stdout.write(`${JSON.stringify({ generation, hooks }, null, 2)}\n`);
    else process.stdout.write(text(hooks));
    return exitCodes.ok;
  },
});

async function checkHooks(names: readonly string[]): Promise<void> {
  const [{ hookCatalogue }, { nearest }] = await Promise.all([
    import('../hooks/catalogue.ts'),
    import('../config/issue.ts'),
  ]);
  for (const name of names) {
    if (Object.hasOwn(hookCatalogue, name)) continue;
    const close = nearest(name, Object.keys(hookCatalogue));
    throw new GatewayDError(cliErrors.CLI_NO_HOOK, {
      hook: name,
      meant: close === undefined ? '' : `Did you mean ${close}? `,
    });
  }
}

function text(hooks: Explained['hooks']): string {
  if (hooks.length === 0) return 'No plugin taps a hook there.\n';
  const blocks = hooks.map(({ hook, taps }) => {
    const width = Math.max(0, ...taps.map(({ tap }) => tap.length));
    const lines = taps.map(
      ({ tap, why }, index) => `  ${index + 1}. ${printable(tap).padEnd(width)}  ${printable(why)}`,
    );
    return [hook, ...(lines.length === 0 ? ['  no plugin taps it'] : lines)].join('\n');
  });
  return `${blocks.join('\n')}\n`;
}
