import type { ConfigIssue } from './issue.ts';
import { type ConfigSources, readConfig } from './read-config.ts';

/** All that `loadConfig` would complain of, errors and warnings, in the order of the files; empty when there is nothing. */
export async function lintConfig(from: ConfigSources): Promise<readonly ConfigIssue[]> {
  const { issues } = await readConfig(from);
  return issues;
}
