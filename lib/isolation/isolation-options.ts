import type { Logger } from '../logger.ts';

/** Where a plugin runs that does not run in gatewayd itself. */
export type Isolation = 'worker' | 'process';

/** How guests are kept running. */
export interface IsolationOptions {
  readonly logger: Logger;
  /** Time limit of a tap, in milliseconds, where a plugin's row says nothing else. */
  readonly timeout: number;
  readonly startTimeout: number;
  readonly healthCheckPeriod: number;
  readonly reloadOnCrash: boolean;
}
