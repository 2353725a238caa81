import { GatewayDError } from '../errors.ts';
import { busTap, type BusTap } from './chain.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { ContainedTap, type HookWatch, type Run, type TapFunction } from './contained-tap.ts';
import { hooksErrors } from './errors.ts';
import type { HookName } from './hooks.ts';
import { HookCounter } from './statistics.ts';
import { recordOrigin } from './tap-order.ts';
import { busTapOptions, readTapOptions, type BusTapOptions, type TapOptions } from './tap-options.ts';
import type { ViewOwner } from './view-owner.ts';

/** As much of a hook of the bus as a view of it needs. */
export interface BusHook {
  readonly taps: readonly { readonly name: string }[];
  isUsed(): boolean;
  tapAsync(options: BusTapOptions, tap: BusTap): void;
}

function watchOf(hook: HookName, owner: ViewOwner): HookWatch {
  const counter = new HookCounter(hook);
  return {
    counter,
    breaker: new CircuitBreaker(owner.breaker, counter, (change) => owner.breakerChanged(hook, change)),
  };
}

/** One hook as one plugin sees it: tapable's, without what only the bus's owner may do. */
export class HookView {
  readonly name: HookName;
  readonly #hook: BusHook;
  readonly #owner: ViewOwner;
  readonly #watch: HookWatch;
  readonly #defaults: Omit<TapOptions, 'name'>;

  constructor(
    name: HookName,
    hook: BusHook,
    owner: ViewOwner,
    watch = watchOf(name, owner),
    defaults: Omit<TapOptions, 'name'> = {},
  ) {
    this.name = name;
    this.#hook = hook;
    this.#owner = owner;
    this.#watch = watch;
    this.#defaults = defaults;
  }

  get watch(): HookWatch {
    return this.#watch;
  }

  /** Taps with a function; one that returns a promise is waited for like a `tapPromise`. */
  tap(options: unknown, call: TapFunction): void {
    this.#tap(options, call, (tap) => tap.wrap(call));
  }

  /** Taps with a function that calls back: `(payload, callback)`. */
  tapAsync(options: unknown, call: TapFunction): void {
    this.#tap(options, call, (tap) => tap.wrapCallback(call));
  }

  /** Taps with a function that returns a promise. */
  tapPromise(options: unknown, call: TapFunction): void {
    this.#tap(options, call, (tap) => tap.wrap(call));
  }

  /** The same hook with options each tap has that does not say otherwise. */
  withOptions(options: unknown): HookView {
    const { name: _, ...defaults } = this.#read(options);
    return new HookView(this.name, this.#hook, this.#owner, this.#watch, { ...this.#defaults, ...defaults });
  }

  /** Whether any plugin taps the hook. */
  isUsed(): boolean {
    return this.#hook.isUsed();
  }

  get taps(): never {
    return this.#deny('taps');
  }
  get interceptors(): never {
    return this.#deny('interceptors');
  }
  intercept(): never {
    return this.#deny('intercept()');
  }
  call(): never {
    return this.#deny('call()');
  }
  callAsync(): never {
    return this.#deny('callAsync()');
  }
  promise(): never {
    return this.#deny('promise()');
  }

  #tap(given: unknown, call: unknown, wrap: (tap: ContainedTap) => Run): void {
    const options = { ...this.#defaults, ...this.#read(given) };
    if (typeof call !== 'function') throw this.#badTap('what it is given to call is not a function');
    const busOptions = busTapOptions(this.#owner.name, options, this.#hook.taps);
    const tap = busTap(wrap(new ContainedTap(this.#owner, this.name, busOptions.name, this.#watch)));
    const before = [options.before ?? []].flat();
    // tapable takes names out of the list while it looks for the place.
    recordOrigin(tap, { plugin: this.#owner.name, before, aheadOf: [...(busOptions.before ?? [])] });
    this.#hook.tapAsync(busOptions, tap);
  }

  #read(given: unknown): TapOptions {
    const options = readTapOptions(given);
    if ('reason' in options) throw this.#badTap(options.reason);
    return options;
  }

  #badTap(reason: string): GatewayDError {
    return new GatewayDError(hooksErrors.HOOK_BAD_TAP, { plugin: this.#owner.name, hook: this.name, reason });
  }

  #deny(member: string): never {
    throw new GatewayDError(hooksErrors.HOOK_NOT_YOURS, { plugin: this.#owner.name, hook: this.name, member });
  }
}
