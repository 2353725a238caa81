import type { ReloadAnswer, ReloadedPlugin } from '../gatewayd/reload.ts';
import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, jsonFlag, pluginConfigFlag } from './flags.ts';
import { askRunning } from './running.ts';
import { printable } from './terminal.ts';

/** `gatewayd plugin reload [NAME..]` */
export const pluginReloadCommand = defineCommand({
  name: 'plugin reload',
  describe: 'Load plugins anew in the gatewayd that runs, without a stop',
  values: { name: 'name', describe: 'A plugin; without one, all of them', optional: true },
  flags: { ...configFlag, ...pluginConfigFlag, ...jsonFlag },
  examples: [
    ['$0 plugin reload', 'after a change of plugins, or of the configuration'],
    ['$0 plugin reload query-logger', 'only that one; the others keep their modules'],
  ],
  async run(flags, names) {
    const answer = await askRunning<ReloadAnswer>(flags, 'reload', names.length === 0 ? {} : { plugins: names });
    process.stdout.write(flags.json ? `${JSON.stringify(answer, null, 2)}\n` : text(answer, names));
    return exitCodes.ok;
  },
});

function text({ generation, milliseconds, plugins }: ReloadAnswer, names: readonly string[]): string {
  const told = plugins.filter(
    ({ state, name }) => state !== 'disabled' && (names.length === 0 || names.includes(name)),
  );
  const lines = told.map((plugin) => `${printable(plugin.name)} ${printable(change(plugin))}`);
  return [...lines, `generation ${generation}, after ${milliseconds} ms`, ''].join('\n');
}

function change({ state, version, oldVersion, error }: ReloadedPlugin): string {
  if (state === 'failed') return `failed, as before: ${error ?? ''}`;
  if (state !== 'loaded') return `${oldVersion ?? ''} unloaded`;
  if (oldVersion === null) return `${version ?? ''} loaded`;
  return version === oldVersion ? `${version} reloaded` : `${version ?? ''} reloaded; before, it was ${oldVersion}`;
}
