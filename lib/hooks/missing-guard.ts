import { busTap } from './chain.ts';
import { hooksErrors } from './errors.ts';
import type { Hooks } from './hooks.ts';
import type { Opening } from './payloads.ts';
import { recordOrigin } from './tap-order.ts';

/**
 * Refuses every client in the place of a plugin that guards something and is not there. At `opening`, as nobody knows
 * what it would have guarded later.
 */
export function refuseWithout(bus: Hooks, plugin: string): void {
  const { message, sqlstate = '' } = hooksErrors.HOOK_GUARD_FAILED;
  const tap = busTap((opening) => (opening as Opening).refuse(sqlstate, message));
  recordOrigin(tap, { plugin, before: [], aheadOf: [] });
  bus.opening.tapAsync(`${plugin}:missing`, tap as never);
}
