import { GatewayDError } from '../errors.ts';
import type { Hooks } from '../hooks/hooks.ts';
import { refuseWithout } from '../hooks/missing-guard.ts';
import { pluginErrors } from './errors.ts';
import type { Incidents } from './incidents.ts';
import type { ManagedPlugin } from './managed-plugin.ts';

/** A guard that is not there must not let anybody pass: those that failed are stood in for. */
export function standInForGuards(plugins: readonly ManagedPlugin[], bus: Hooks): void {
  for (const { name } of missingGuards(plugins)) refuseWithout(bus, name);
}

/** Says that clients are refused: to be called when they are, which those of a generation that replaces nothing are not. */
export function warnOfMissingGuards(plugins: readonly ManagedPlugin[], incidents: Incidents): void {
  for (const { name: plugin } of missingGuards(plugins)) {
    incidents.warn(new GatewayDError(pluginErrors.PLUGIN_GUARD_MISSING, { plugin }), { plugin });
  }
}

function missingGuards(plugins: readonly ManagedPlugin[]): readonly ManagedPlugin[] {
  return plugins.filter(({ examined, state }) => state === 'failed' && examined.row?.onError === 'refuse');
}

/** @throws {GatewayDError} PLUGIN_REQUIRED_FAILED when a plugin failed whose row says `required: true` */
export function checkRequired(plugins: readonly ManagedPlugin[]): void {
  const failed = plugins.filter(({ examined, state }) => examined.row?.required === true && state === 'failed');
  if (failed.length === 0) return;
  const names = failed.map(({ name, error }) => `${name} (${error?.code ?? ''})`).join(', ');
  throw new GatewayDError(pluginErrors.PLUGIN_REQUIRED_FAILED, { plugins: names });
}
