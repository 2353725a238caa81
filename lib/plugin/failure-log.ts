import { SyncHook } from 'tapable';
import type { PluginFailure } from '../hooks/loaded-plugin.ts';

const kept = 32;

/** Who taps the hook: its taps are called for as long as it is alive. */
interface Tapper {
  readonly alive: boolean;
}

/** One plugin's `hooks.error` and what it remembers. */
export class FailureLog {
  readonly hook = new SyncHook<[PluginFailure]>(['failure'], 'error');
  readonly #failures: PluginFailure[] = [];
  readonly #tapFailed: (error: unknown, tap: string) => void;
  #calling = false;

  /**
   * @param tapFailed told of each failure inside a tap of the hook; nobody else is
   * @param whose asked at each tap which plugin it is that taps
   */
  constructor(tapFailed: (error: unknown, tap: string) => void, whose: () => Tapper | undefined = () => undefined) {
    this.#tapFailed = tapFailed;
    this.hook.intercept({
      register: (tap) => {
        const contained = this.#contain(tap.name, tap.fn as (failure: PluginFailure) => void, whose());
        for (const failure of this.#failures) contained(failure);
        return { ...tap, fn: contained };
      },
    });
  }

  /** Calls the hook, unless this very failure was reported by one of its taps: it would go round for ever. */
  add(failure: PluginFailure): void {
    if (this.#calling) return;
    this.#failures.push(failure);
    if (this.#failures.length > kept) this.#failures.shift();
    this.#calling = true;
    try {
      this.hook.call(failure);
    } catch (error) {
      // Taps are contained: this is of an interceptor.
      this.#tapFailed(error, 'interceptor');
    } finally {
      this.#calling = false;
    }
  }

  #contain(
    name: string,
    tap: (failure: PluginFailure) => unknown,
    tapper: Tapper | undefined,
  ): (failure: PluginFailure) => void {
    return (failure) => {
      if (tapper?.alive === false) return;
      try {
        const result = tap(failure);
        if (result instanceof Promise) result.catch((error: unknown) => this.#tapFailed(error, name));
      } catch (error) {
        this.#tapFailed(error, name);
      }
    };
  }
}
