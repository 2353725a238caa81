import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { LoadedConfig } from '../../lib/config/load.ts';
import { loadConfig } from '../../lib/config/load.ts';
import { lintConfig } from '../../lib/config/lint.ts';
import { ConfigError } from '../../lib/config/errors.ts';
import type { ConfigIssue } from '../../lib/config/issue.ts';
import type { ConfigSources } from '../../lib/config/read-config.ts';

/** Texts of the two files, and what else a configuration is read from. */
export interface GivenConfig extends Partial<Omit<ConfigSources, 'configFile' | 'pluginConfigFile'>> {
  readonly yaml?: string | Uint8Array;
  readonly plugins?: string;
}

async function inFolder<T>(given: GivenConfig, use: (from: ConfigSources) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'gatewayd-config-'));
  const { yaml, plugins, ...rest } = given;
  const from = {
    configFile: path.join(folder, 'gatewayd.yaml'),
    pluginConfigFile: path.join(folder, 'gatewayd_plugins.yaml'),
    environment: {},
    ...rest,
  };
  try {
    if (yaml !== undefined) await writeFile(from.configFile, yaml);
    if (plugins !== undefined) await writeFile(from.pluginConfigFile, plugins);
    return await use(from);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Loads a configuration from files of these texts. */
export async function loadFrom(given: GivenConfig): Promise<LoadedConfig> {
  return await inFolder(given, loadConfig);
}

/** What is wrong with files of these texts; the names of files without their folder. */
export async function lintFrom(given: GivenConfig): Promise<ConfigIssue[]> {
  const issues = await inFolder(given, lintConfig);
  return issues.map((issue) => ({ ...issue, file: issue.file === null ? null : path.basename(issue.file) }));
}

/** The errors that loading files of these texts ends with. */
export async function errorsOf(given: GivenConfig): Promise<readonly ConfigIssue[]> {
  try {
    await loadFrom(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.issues.filter(({ severity }) => severity === 'error');
    throw error;
  }
  throw new Error('the configuration was loaded');
}
