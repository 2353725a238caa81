import type { TapFunction } from '../../hooks/contained-tap.ts';
import { hookCatalogue } from '../../hooks/catalogue.ts';
import type { TapKeeper, TapStyle } from '../../hooks/hook-view.ts';
import type { HookName, Hooks } from '../../hooks/hooks.ts';
import type { TapOptions } from '../../hooks/tap-options.ts';
import { makeView } from '../../hooks/view.ts';

/** Who takes the taps of a guest's view. */
export interface TapTaker {
  readonly plugin: string;
  /** Whether a plugin of the gateway tapped the hook before this one was applied. */
  isUsed(hook: HookName): boolean;
  tap(hook: HookName, options: TapOptions, call: TapFunction, style: TapStyle): void;
}

/** The bus as a plugin in a guest sees it: the same hooks with the same methods, whose taps are kept here. */
export function createGuestHooks(taker: TapTaker): Hooks {
  const keeperOf = (name: HookName): TapKeeper => ({
    isUsed: () => taker.isUsed(name),
    tap: (options, call, style) => taker.tap(name, options, call, style),
  });
  const names = Object.keys(hookCatalogue) as HookName[];
  return makeView(
    taker.plugin,
    names.map((name) => [name, keeperOf(name)]),
  );
}
