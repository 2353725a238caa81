import { GatewayDError } from '../errors.ts';
import type { TapFunction } from './contained-tap.ts';
import { hooksErrors } from './errors.ts';
import type { HookName } from './hooks.ts';
import { readTapOptions, type TapOptions } from './tap-options.ts';

/** How a tap wants to be called. */
export type TapStyle = 'plain' | 'callback';

/** Who keeps the taps that a plugin puts on one hook. */
export interface TapKeeper {
  /** Whether any plugin taps the hook. */
  isUsed(): boolean;
  tap(options: TapOptions, call: TapFunction, style: TapStyle): void;
}

/**
 * One hook as one plugin sees it, wherever the plugin runs: tapable's, without what only the bus's owner may do.
 * What a plugin gives is checked here, and kept by the keeper.
 */
export class HookView {
  readonly name: HookName;
  readonly #plugin: string;
  readonly #keeper: TapKeeper;
  readonly #defaults: Omit<TapOptions, 'name'>;

  constructor(name: HookName, plugin: string, keeper: TapKeeper, defaults: Omit<TapOptions, 'name'> = {}) {
    this.name = name;
    this.#plugin = plugin;
    this.#keeper = keeper;
    this.#defaults = defaults;
  }

  /** Taps with a function; one that returns a promise is waited for like a `tapPromise`. */
  tap(options: unknown, call: TapFunction): void {
    this.#tap(options, call, 'plain');
  }

  /** Taps with a function that calls back: `(payload, callback)`. */
  tapAsync(options: unknown, call: TapFunction): void {
    this.#tap(options, call, 'callback');
  }

  /** Taps with a function that returns a promise. */
  tapPromise(options: unknown, call: TapFunction): void {
    this.#tap(options, call, 'plain');
  }

  /** The same hook with options each tap has that does not say otherwise. */
  withOptions(options: unknown): HookView {
    const { name: _, ...defaults } = this.#read(options);
    return new HookView(this.name, this.#plugin, this.#keeper, { ...this.#defaults, ...defaults });
  }

  /** Whether any plugin taps the hook. */
  isUsed(): boolean {
    return this.#keeper.isUsed();
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

  #tap(given: unknown, call: TapFunction, style: TapStyle): void {
    const options = { ...this.#defaults, ...this.#read(given) };
    if (typeof call !== 'function') throw this.#badTap('what it is given to call is not a function');
    this.#keeper.tap(options, call, style);
  }

  #read(given: unknown): TapOptions {
    const options = readTapOptions(given);
    if ('reason' in options) throw this.#badTap(options.reason);
    return options;
  }

  #badTap(reason: string): GatewayDError {
    return new GatewayDError(hooksErrors.HOOK_BAD_TAP, { plugin: this.#plugin, hook: this.name, reason });
  }

  #deny(member: string): never {
    throw new GatewayDError(hooksErrors.HOOK_NOT_YOURS, { plugin: this.#plugin, hook: this.name, member });
  }
}
