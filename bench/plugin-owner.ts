import type { HookName } from '../lib/hooks/hooks.ts';
import type { TapScope, ViewOwner } from '../lib/hooks/view-owner.ts';
import { Attribution } from '../lib/plugin/attribution.ts';

const attribution = new Attribution<PluginOwner>();

/** A plugin as the host would have it, whose taps do nothing but look: `active` may change at any time. */
export class PluginOwner implements ViewOwner {
  readonly onError = 'skip';
  readonly timeout = 30_000;
  readonly timeouts = {};
  readonly generation = 1;
  readonly breaker = { failures: 10, ratio: 0.5, window: 10_000, pause: 1_000, maxPause: 60_000 };
  readonly name: string;
  #state = 'active';

  constructor(name: string) {
    this.name = name;
  }
  get active(): boolean {
    return this.#state === 'active';
  }
  fail(error: unknown): void {
    this.#state = 'failed';
    throw error;
  }
  changed(): never {
    throw new Error('nothing changes anything here');
  }
  breakerChanged(): never {
    throw new Error('nothing fails here');
  }
  scope(hook: HookName): TapScope {
    return attribution.scope(this, hook);
  }
}
