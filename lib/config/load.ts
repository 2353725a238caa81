import path from 'node:path';
import type { KeySet } from './environment.ts';
import { ConfigError } from './errors.ts';
import type { ConfigIssue } from './issue.ts';
import { type ConfigSources, type ConfigTexts, readConfig } from './read-config.ts';
import type { GlobalConfig } from './schema.ts';
import type { Sources } from './sources.ts';
import type { Tree } from './tree.ts';

/** A configuration ready to start from. */
export interface LoadedConfig {
  /** Frozen all through. */
  readonly config: GlobalConfig;
  /** Absolute path; null where there was none and the defaults apply. */
  readonly configFile: string | null;
  /** Absolute path; null where there was none. */
  readonly pluginConfigFile: string | null;
  /** What relative paths in the configuration are relative to: the folder of the config file, else the working directory. */
  readonly directory: string;
  /** What environment variables set, in the order in which they did: whatever the files had said is in there. */
  readonly fromEnvironment: readonly KeySet[];
  /** Rows of the plugins file that are ignored because gatewayd.yaml has one for the same plugin, as they are written. */
  readonly ignoredRows: readonly Tree[];
  /** Where each part of it was written. */
  readonly sources: Sources;
  /** For the log, once. */
  readonly warnings: readonly ConfigIssue[];
}

/**
 * Loads the configuration: gatewayd.yaml, then gatewayd_plugins.yaml, then the environment, over the defaults. Without a
 * file that was asked for, the defaults apply and a warning says so.
 * @param texts what the files say, where they have been read
 * @throws ConfigError with everything that is wrong, not only the first.
 */
export async function loadConfig(from: ConfigSources, texts?: ConfigTexts): Promise<LoadedConfig> {
  const { config, issues, fromEnvironment, ignoredRows, sources, found } = await readConfig(from, texts);
  if (config === null) throw new ConfigError(issues);
  const configFile = found.configFile ? path.resolve(from.configFile) : null;
  return {
    config,
    configFile,
    pluginConfigFile:
      found.pluginConfigFile && from.pluginConfigFile !== undefined ? path.resolve(from.pluginConfigFile) : null,
    directory: configFile === null ? process.cwd() : path.dirname(configFile),
    fromEnvironment,
    ignoredRows,
    sources,
    warnings: issues,
  };
}
