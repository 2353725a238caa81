import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { LoadedPlugin } from '../hooks/loaded-plugin.ts';
import type { PluginHost } from '../plugin/host.ts';
import type { PluginHostOptions } from '../plugin/options.ts';
import { choiceOnceLoaded, type TelemetryChoice } from '../telemetry/choice.ts';
import { openPlugins } from './plugins.ts';

/** What there is to say of the report that `run` would send with the same flags. */
export interface LoadedReport {
  readonly version: string;
  readonly devMode: boolean;
  readonly plugins: readonly LoadedPlugin[];
  /** `config` of the telemetry plugin's row. */
  readonly config: unknown;
  readonly choice: TelemetryChoice;
}

type ReportFlags = Parameters<typeof openPlugins>[0] & { readonly dev: boolean };

/**
 * Loads the plugins as `run` would, and gives what the report is made from: a plugin in a single file says its version
 * in its code, and only one that loads is reported. They are unloaded when `use` is done.
 */
export async function withLoadedReport<T>(flags: ReportFlags, use: (report: LoadedReport) => Promise<T>): Promise<T> {
  const [{ PluginHost: Host }, { version }] = await Promise.all([import('../plugin/host.ts'), import('../version.ts')]);
  const { loaded, options, choice } = await openPlugins(flags);
  const row = loaded.config.plugins.find(({ name }) => name === 'telemetry');
  return await withCopyOfLock(options, async (copied) => {
    const host = new Host(copied);
    const { plugins, telemetry } = await contained(host, async () => {
      await host.load();
      const found = host.reports.find(({ name }) => name === 'telemetry');
      const loadedOnes = [...host.plugins];
      await host.deactivate();
      return { plugins: loadedOnes, telemetry: found };
    });
    return await use({
      version,
      devMode: flags.dev,
      plugins,
      config: row?.config,
      choice: choiceOnceLoaded(choice, telemetry),
    });
  });
}

/** As at `run`, what a plugin leaves uncaught stays with the plugin; what is nobody's is thrown. */
async function contained<T>(host: PluginHost, work: () => Promise<T>): Promise<T> {
  let end = (): void => {};
  const failed = new Promise<never>((_, reject) => (end = host.containUncaught(reject)));
  try {
    return await Promise.race([work(), failed]);
  } finally {
    end();
  }
}

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
