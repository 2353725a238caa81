import type { ExplainedHook } from '../plugin/explain.ts';
import type { PluginStatus } from '../plugin/status.ts';

/** How a running gatewayd does. */
export interface Status {
  readonly version: string;
  readonly pid: number;
  readonly configFile: string | null;
  readonly devMode: boolean;
  /** Of the plugins that new sessions get. */
  readonly generation: number;
  /** Generations that sessions are in, oldest first. */
  readonly generations: readonly { readonly number: number; readonly sessions: number }[];
  readonly servers: readonly { readonly name: string; readonly address: string }[];
  readonly plugins: readonly PluginStatus[];
}

/** The order of taps in a running gatewayd. */
export interface Explained {
  readonly generation: number;
  readonly hooks: readonly ExplainedHook[];
}
