import { GatewayDError } from '../errors.ts';
import type { Hooks } from '../hooks/hooks.ts';
import { refuseWithout } from '../hooks/missing-guard.ts';
import { pluginErrors } from './errors.ts';
import type { Incidents } from './incidents.ts';
import type { ManagedPlugin } from './managed-plugin.ts';

/** A guard that is not there must not let anybody pass: those that failed are stood in for. */
export function standInForGuards(plugins: readonly ManagedPlugin[], bus: Hooks, incidents: Incidents): void {
  for (const { name, examined, state } of plugins) {
    if (state !== 'failed' || examined.row?.onError !== 'refuse') continue;
    refuseWithout(bus, name);
    incidents.warn(new GatewayDError(pluginErrors.PLUGIN_GUARD_MISSING, { plugin: name }), { plugin: name });
  }
}

/** @throws {GatewayDError} PLUGIN_REQUIRED_FAILED when a plugin failed whose row says `required: true` */
export function checkRequired(plugins: readonly ManagedPlugin[]): void {
  const failed = plugins.filter(({ examined, state }) => examined.row?.required === true && state === 'failed');
  if (failed.length === 0) return;
  const names = failed.map(({ name, error }) => `${name} (${error?.code ?? ''})`).join(', ');
  throw new GatewayDError(pluginErrors.PLUGIN_REQUIRED_FAILED, { plugins: names });
}
