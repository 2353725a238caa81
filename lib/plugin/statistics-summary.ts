import type { HookName } from '../hooks/hooks.ts';
import type { HookStatistics } from '../hooks/statistics.ts';

/** What the log says of a plugin's taps of one hook; of errors and the like only where there were any. */
type Summary = Readonly<Record<string, number>>;

/** What a plugin's taps did, short enough for a line of the log; undefined where they were never called. */
export function summarise(
  statistics: ReadonlyMap<HookName, HookStatistics>,
): Readonly<Record<string, Summary>> | undefined {
  if (statistics.size === 0) return undefined;
  return Object.fromEntries([...statistics].map(([hook, each]) => [hook, summary(each)]));
}

function summary({ calls, errors, skipped, changes, openings, p50Ms, p99Ms }: HookStatistics): Summary {
  const seldom = Object.entries({ errors, skipped, changes, openings }).filter(([, count]) => count > 0);
  return { calls, ...Object.fromEntries(seldom), p50Ms: rounded(p50Ms), p99Ms: rounded(p99Ms) };
}

/** Two digits that count. */
const rounded = (milliseconds: number): number => Number(milliseconds.toPrecision(2));
