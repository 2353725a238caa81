import { GatewayDError } from '../errors.ts';
import { examine, isolationOf, type Examined } from './examine.ts';
import type { PluginOptions } from './options.ts';
import { pluginConfig } from './plugin-config.ts';
import type { PluginReport } from './report.ts';

/**
 * What `plugin list` and `plugin lint` show: every plugin found or named in the config, with all that can be said of it
 * before any of its code runs. Requirements are not: only a plugin's module knows them.
 */
export async function inspectPlugins(options: PluginOptions): Promise<readonly PluginReport[]> {
  const examined = await examine(options);
  return Promise.all(examined.map(async (one) => withConfigChecked(reportOf(one), one, options)));
}

/** The config of a plugin whose schema is known without its code. */
async function withConfigChecked(
  report: PluginReport,
  { row, source }: Examined,
  { configSchemas, compiledSchemas: compiled, describeConfigFault: describe }: PluginOptions,
): Promise<PluginReport> {
  const schema = configSchemas?.[report.name];
  if (report.state !== 'found' || schema === undefined || source?.builtIn !== true) return report;
  try {
    await pluginConfig(report.name, row?.config, { schema, compiled, describe });
    return report;
  } catch (error) {
    if (!(error instanceof GatewayDError)) throw error;
    return { ...report, state: 'failed', error };
  }
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
