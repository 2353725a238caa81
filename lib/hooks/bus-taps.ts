import { busTap, type BusTap } from './chain.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { ContainedTap, type HookWatch, type TapFunction } from './contained-tap.ts';
import type { TapKeeper, TapStyle } from './hook-view.ts';
import type { HookName } from './hooks.ts';
import { HookCounter } from './statistics.ts';
import { recordOrigin } from './tap-order.ts';
import { busTapOptions, type BusTapOptions, type TapOptions } from './tap-options.ts';
import type { ViewOwner } from './view-owner.ts';

/** As much of a hook of the bus as a view of it needs. */
export interface BusHook {
  readonly taps: readonly { readonly name: string }[];
  isUsed(): boolean;
  tapAsync(options: BusTapOptions, tap: BusTap): void;
}

/** One plugin's taps of one hook of the bus: contained, and watched together. */
export class BusTaps implements TapKeeper {
  readonly name: HookName;
  readonly watch: HookWatch;
  readonly #hook: BusHook;
  readonly #owner: ViewOwner;

  constructor(name: HookName, hook: BusHook, owner: ViewOwner) {
    this.name = name;
    this.#hook = hook;
    this.#owner = owner;
    const counter = new HookCounter(name);
    this.watch = {
      counter,
      breaker: new CircuitBreaker(owner.breaker, counter, (change) => owner.breakerChanged(name, change)),
    };
  }

  isUsed(): boolean {
    return this.#hook.isUsed();
  }

  tap(options: TapOptions, call: TapFunction, style: TapStyle): void {
    const busOptions = busTapOptions(this.#owner.name, options, this.#hook.taps);
    const contained = new ContainedTap(this.#owner, this.name, busOptions.name, this.watch);
    const tap = busTap(style === 'callback' ? contained.wrapCallback(call) : contained.wrap(call));
    const before = [options.before ?? []].flat();
    // tapable takes names out of the list while it looks for the place.
    recordOrigin(tap, { plugin: this.#owner.name, before, aheadOf: [...(busOptions.before ?? [])] });
    this.#hook.tapAsync(busOptions, tap);
  }
}
