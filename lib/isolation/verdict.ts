import type { ErrorDefinition } from '../errors.ts';
import type { FailurePhase } from '../hooks/loaded-plugin.ts';
import { isolationErrors } from './errors.ts';
import type { Ending } from './guest-place.ts';

/** Why a guest came to its end. */
export interface Verdict {
  readonly definition: ErrorDefinition;
  readonly values: Readonly<Record<string, string | number>>;
  readonly phase: FailurePhase;
}

/** On a guest that gatewayd did not end. */
export function verdictOn({ reason, outOfMemory }: Ending, memoryLimit: number): Verdict {
  return outOfMemory
    ? { definition: isolationErrors.ISOLATION_OUT_OF_MEMORY, values: { limit: memoryLimit }, phase: 'crash' }
    : { definition: isolationErrors.ISOLATION_CRASHED, values: { reason }, phase: 'crash' };
}

/** What follows, as an error of a crash ends. */
export function sequelOf(wasServing: boolean, reloadOnCrash: boolean): string {
  if (!wasServing) return 'and it did not come up';
  return reloadOnCrash ? 'and it is started again' : 'and it stays away, by `pluginHost.reloadOnCrash`';
}
