import { GatewayDError } from '../../errors.ts';
import type { TapFunction } from '../../hooks/contained-tap.ts';
import { hookCatalogue } from '../../hooks/catalogue.ts';
import { hooksErrors } from '../../hooks/errors.ts';
import type { HookName, Hooks } from '../../hooks/hooks.ts';
import { readTapOptions, type TapOptions } from '../../hooks/tap-options.ts';
import { strictPrototype } from '../../hooks/view.ts';

/** How a tap wants to be called. */
export type TapStyle = 'plain' | 'callback';

/** Who takes the taps of a guest's view. */
export interface TapTaker {
  readonly plugin: string;
  /** Whether a plugin of the gateway tapped the hook before this one was applied. */
  isUsed(hook: HookName): boolean;
  tap(hook: HookName, options: TapOptions, call: TapFunction, style: TapStyle): void;
}

/** The bus as a plugin in a guest sees it: the same hooks with the same methods, whose taps are kept here. */
export function createGuestHooks(taker: TapTaker): Hooks {
  const names = Object.keys(hookCatalogue) as HookName[];
  const hooks = Object.create(strictPrototype(names, taker.plugin)) as Record<HookName, GuestHook>;
  for (const name of names) hooks[name] = new GuestHook(name, taker);
  return Object.freeze(hooks) as unknown as Hooks;
}

class GuestHook {
  readonly name: HookName;
  readonly #taker: TapTaker;
  readonly #defaults: Omit<TapOptions, 'name'>;

  constructor(name: HookName, taker: TapTaker, defaults: Omit<TapOptions, 'name'> = {}) {
    this.name = name;
    this.#taker = taker;
    this.#defaults = defaults;
  }

  tap(options: unknown, call: TapFunction): void {
    this.#tap(options, call, 'plain');
  }
  tapAsync(options: unknown, call: TapFunction): void {
    this.#tap(options, call, 'callback');
  }
  tapPromise(options: unknown, call: TapFunction): void {
    this.#tap(options, call, 'plain');
  }
  withOptions(options: unknown): GuestHook {
    const { name: _, ...defaults } = this.#read(options);
    return new GuestHook(this.name, this.#taker, { ...this.#defaults, ...defaults });
  }
  isUsed(): boolean {
    return this.#taker.isUsed(this.name);
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
    this.#taker.tap(this.name, options, call, style);
  }

  #read(given: unknown): TapOptions {
    const options = readTapOptions(given);
    if ('reason' in options) throw this.#badTap(options.reason);
    return options;
  }

  #badTap(reason: string): GatewayDError {
    return new GatewayDError(hooksErrors.HOOK_BAD_TAP, { plugin: this.#taker.plugin, hook: this.name, reason });
  }

  #deny(member: string): never {
    throw new GatewayDError(hooksErrors.HOOK_NOT_YOURS, { plugin: this.#taker.plugin, hook: this.name, member });
  }
}
