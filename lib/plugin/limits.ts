import { closest } from 'fastest-levenshtein';
import { milliseconds } from '../config/durations.ts';
import type { PluginHostConfig, PluginRow } from '../config/schema.ts';
import { pluginHostSchema } from '../config/sections/plugins.ts';
import { GatewayDError } from '../errors.ts';
import { hookCatalogue } from '../hooks/catalogue.ts';
import type { BreakerLimits } from '../hooks/circuit-breaker.ts';
import type { ViewOwner } from '../hooks/view-owner.ts';
import { pluginErrors } from './errors.ts';

/** What of a view's owner the config decides. */
export type Limits = Pick<ViewOwner, 'timeout' | 'timeouts' | 'breaker'>;

type BreakerConfig = PluginHostConfig['breaker'];

/** What holds for all plugins. */
interface GeneralLimits {
  readonly timeout: number;
  readonly breaker?: BreakerConfig;
}

/**
 * The limits of one plugin: its row's, and where that says nothing, those of all plugins.
 * @throws {GatewayDError} PLUGIN_BAD_LIMIT when the row has a limit for a hook that does not exist
 */
export function limitsOf(plugin: string, row: PluginRow | undefined, general: GeneralLimits): Limits {
  return {
    timeout: row?.timeout === undefined ? general.timeout : milliseconds(row.timeout),
    timeouts: timeoutsOf(plugin, row?.timeouts ?? {}),
    breaker: breakerLimits({ ...(general.breaker ?? defaultBreaker()), ...row?.breaker }),
  };
}

function timeoutsOf(plugin: string, durations: PluginRow['timeouts']): Limits['timeouts'] {
  const hooks = Object.keys(hookCatalogue);
  const limits = Object.entries(durations).map(([hook, duration]) => {
    if (hooks.includes(hook)) return [hook, milliseconds(duration)] as const;
    throw new GatewayDError(pluginErrors.PLUGIN_BAD_LIMIT, { plugin, hook, nearest: closest(hook, hooks) });
  });
  return Object.fromEntries(limits);
}

function breakerLimits({ failures, ratio, window, pause, maxPause }: BreakerConfig): BreakerLimits {
  return {
    failures,
    ratio,
    window: milliseconds(window),
    pause: milliseconds(pause),
    maxPause: milliseconds(maxPause),
  };
}

function defaultBreaker(): BreakerConfig {
  const { failures, ratio, window, pause, maxPause } = pluginHostSchema.properties.breaker.properties;
  return {
    failures: failures.default,
    ratio: ratio.default,
    window: window.default,
    pause: pause.default,
    maxPause: maxPause.default,
  };
}
