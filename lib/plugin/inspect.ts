import { examine, isolationOf, type Examined } from './examine.ts';
import type { PluginOptions } from './options.ts';
import type { PluginReport } from './report.ts';

/**
 * What `plugin list` and `plugin lint` show: every plugin found or named in the config, with all that can be said of it
 * before any of its code runs. Requirements are not: only a plugin's module knows them.
 */
export async function inspectPlugins(options: PluginOptions): Promise<readonly PluginReport[]> {
  return (await examine(options)).map(reportOf);
}

/** The report of a plugin none of whose code ran. */
function reportOf(examined: Examined): PluginReport {
  const { name, path, manifest, checksum, state, error } = examined;
  return {
    name,
    version: manifest?.version ?? null,
    path,
    checksum,
    trust: examined.state === 'found' ? examined.trust : null,
    state,
    isolation: isolationOf(examined),
    milliseconds: null,
    ...(error === null ? {} : { error }),
  };
}
