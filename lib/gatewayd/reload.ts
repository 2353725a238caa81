import type { PluginRow } from '../config/schema.ts';
import type { PluginReport } from '../plugin/report.ts';

/** What is to be loaded anew. */
export interface ReloadRequest {
  /** The plugins whose modules are imported anew; all of them where it is left out. */
  readonly plugins?: readonly string[];
  /**
   * Where plugins are to run, whatever their rows say, until their rows or files change. Where these are all that are
   * named, the configuration is not read again.
   */
  readonly isolation?: Readonly<Record<string, PluginRow['isolation']>>;
}

/** What a reload came to. */
export interface Reloaded {
  /** Of the generation that is the current one now. */
  readonly generation: number;
  /** Every plugin found or named in the config, as at start. */
  readonly reports: readonly PluginReport[];
  /** Versions before, by name, of the plugins that were loaded before. */
  readonly before: ReadonlyMap<string, string>;
  readonly servers: readonly { readonly name: string; readonly address: string }[];
  readonly milliseconds: number;
}

/** What a reload says to the command that asked for it. */
export interface ReloadAnswer {
  readonly generation: number;
  readonly milliseconds: number;
  readonly plugins: readonly ReloadedPlugin[];
}

/** What became of one plugin at a reload. */
export interface ReloadedPlugin {
  readonly name: string;
  readonly state: PluginReport['state'];
  /** Null where it is not loaded any more. */
  readonly version: string | null;
  /** Null where it was not loaded before. */
  readonly oldVersion: string | null;
  /** Why it failed. */
  readonly error?: string;
}

/** What a reload came to, for the command that asked for it: plugins that are gone included. */
export function answerOf({ generation, milliseconds: took, reports, before }: Reloaded): ReloadAnswer {
  const found = reports.map(({ name, state, version: now, error }): ReloadedPlugin => ({
    name,
    state,
    version: now,
    oldVersion: before.get(name) ?? null,
    ...(error === undefined ? {} : { error: error.message }),
  }));
  const gone = [...before]
    .filter(([name]) => !found.some((plugin) => plugin.name === name))
    .map(([name, oldVersion]): ReloadedPlugin => ({ name, state: 'unloaded', version: null, oldVersion }));
  return { generation, milliseconds: took, plugins: [...found, ...gone] };
}
