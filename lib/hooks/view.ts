import { closest } from 'fastest-levenshtein';
import { GatewayDError } from '../errors.ts';
import { BusTaps, type BusHook } from './bus-taps.ts';
import { hooksErrors } from './errors.ts';
import { HookView, type TapKeeper } from './hook-view.ts';
import type { HookName, Hooks } from './hooks.ts';
import type { HookStatistics } from './statistics.ts';
import type { ViewOwner } from './view-owner.ts';

const tapsOf = new WeakMap<Hooks, readonly BusTaps[]>();

/**
 * One plugin's view of the bus. It has the bus's hooks, to be tapped as tapable's are; each tap is registered on the bus
 * under the plugin's name and wrapped: timed, bounded in time, contained. Asking for a hook that does not exist throws
 * HOOK_UNKNOWN; calling or intercepting a hook throws HOOK_NOT_YOURS.
 */
export function createView(bus: Hooks, owner: ViewOwner): Hooks {
  const taps = (Object.keys(bus) as HookName[]).map(
    (name) => new BusTaps(name, bus[name] as unknown as BusHook, owner),
  );
  const view = makeView(
    owner.name,
    taps.map((keeper) => [keeper.name, keeper]),
  );
  tapsOf.set(view, taps);
  return view;
}

/** What a plugin gets for the hooks: one view for each, whose taps somebody keeps. */
export function makeView(plugin: string, keepers: readonly (readonly [HookName, TapKeeper])[]): Hooks {
  const names = keepers.map(([name]) => name);
  const view = Object.create(strictPrototype(names, plugin)) as Record<HookName, HookView>;
  for (const [name, keeper] of keepers) view[name] = new HookView(name, plugin, keeper);
  return Object.freeze(view) as unknown as Hooks;
}

/** What the taps of a view made by `createView` did so far, by hook, for the hooks that were called. */
export function statisticsOf(view: Hooks): ReadonlyMap<HookName, HookStatistics> {
  const called = (tapsOf.get(view) ?? []).filter(({ watch }) => watch.counter.calls > 0);
  return new Map(called.map(({ name, watch }) => [name, watch.counter.read(watch.breaker)]));
}

/**
 * The prototype of a view, which alone is asked for what the view does not have: a proxy there costs the hooks that
 * exist nothing. `then` is asked of whatever passes through a promise.
 */
function strictPrototype(names: readonly string[], plugin: string): object {
  return new Proxy(
    {},
    {
      get(target, property, receiver) {
        if (typeof property === 'symbol' || property in target || property === 'then' || property === 'toJSON') {
          return Reflect.get(target, property, receiver) as unknown;
        }
        throw new GatewayDError(hooksErrors.HOOK_UNKNOWN, {
          plugin,
          hook: property,
          nearest: nearestHook(property, names),
        });
      },
    },
  );
}

/** GatewayD's names are ours with "On" before them. */
function nearestHook(name: string, names: readonly string[]): string {
  const bare = name.replace(/^on(?=[A-Z])/i, '').toLowerCase();
  const nearest = closest(
    bare,
    names.map((one) => one.toLowerCase()),
  );
  return names.find((one) => one.toLowerCase() === nearest) ?? nearest;
}
