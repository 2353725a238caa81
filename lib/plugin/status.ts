import type { PluginRow } from '../config/schema.ts';
import type { HookName } from '../hooks/hooks.ts';
import type { Trust } from '../hooks/loaded-plugin.ts';
import type { HookStatistics } from '../hooks/statistics.ts';
import type { PluginHost } from './host.ts';
import type { PluginState } from './report.ts';

/** How one plugin of a running gatewayd does. */
export interface PluginStatus {
  readonly name: string;
  readonly version: string | null;
  readonly state: PluginState;
  readonly trust: Trust | null;
  readonly checksum: string | null;
  readonly isolation: PluginRow['isolation'];
  /** Why it was moved there, whatever its row says; null where it was not. */
  readonly demoted: string | null;
  /** Why it failed; null where it did not. */
  readonly error: { readonly code: string; readonly message: string; readonly mend: string } | null;
  /** Of the hooks whose taps of it were called. */
  readonly hooks: readonly ({ readonly hook: HookName } & HookStatistics)[];
}

/**
 * How the plugins of a host do, in the order of its reports.
 * @param demoted why plugins were moved that do not run where their rows say, by their names
 */
export function statusOf(host: PluginHost, demoted: ReadonlyMap<string, string>): readonly PluginStatus[] {
  return host.reports.map(({ name, version, state, trust, checksum, isolation, error }) => ({
    name,
    version,
    state,
    trust,
    checksum,
    isolation,
    demoted: demoted.get(name) ?? null,
    error: error === undefined ? null : { code: error.code, message: error.message, mend: error.mend },
    hooks: [...(host.plugins.get(name)?.statistics ?? [])].map(([hook, statistics]) => ({ hook, ...statistics })),
  }));
}
