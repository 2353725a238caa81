import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { PluginHostOptions } from '../plugin/options.ts';
import { choiceOnceLoaded } from '../telemetry/choice.ts';
import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, pluginConfigFlag } from './flags.ts';
import { openPlugins } from './plugins.ts';

/** `gatewayd telemetry show` */
export const telemetryShowCommand = defineCommand({
  name: 'telemetry show',
  describe: 'Print the usage report exactly as it would be sent, and send nothing',
  flags: {
    ...configFlag,
    ...pluginConfigFlag,
    dev: { type: 'boolean', default: false, describe: 'Show what `run --dev` would send' },
    'usage-report': { type: 'boolean', defaultDescription: 'true', describe: 'As for `run`' },
  },
  async run(flags) {
    const [{ PluginHost }, { showReport }, { version }] = await Promise.all([
      import('../plugin/host.ts'),
      import('../../plugins/telemetry/show.ts'),
      import('../version.ts'),
    ]);
    const { loaded, options, choice } = await openPlugins(flags);
    const row = loaded.config.plugins.find(({ name }) => name === 'telemetry');
    const text = await withCopyOfLock(options, async (copied) => {
      // A plugin in a single file says its version in its code, and only one that loads is reported.
      const host = new PluginHost(copied);
      await host.load();
      const source = { version, devMode: flags.dev, plugins: [...host.plugins] };
      const telemetry = host.reports.find(({ name }) => name === 'telemetry');
      await host.deactivate();
      return await showReport({ ...source, config: row?.config, choice: choiceOnceLoaded(choice, telemetry) });
    });
    process.stdout.write(text);
    return exitCodes.ok;
  },
});

/** Plugins are verified as `run` does it, but being shown to somebody is no reason to be trusted from now on. */
async function withCopyOfLock<T>(
  options: PluginHostOptions,
  use: (options: PluginHostOptions) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'gatewayd-'));
  const lockFile = path.join(folder, 'plugins.lock');
  try {
    await copyFile(options.lockFile, lockFile).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    return await use({ ...options, lockFile });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
