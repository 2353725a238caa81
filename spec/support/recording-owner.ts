import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import type { BreakerChange, BreakerLimits } from '../../lib/hooks/circuit-breaker.ts';
import type { HookName } from '../../lib/hooks/hooks.ts';
import type { MessageChange } from '../../lib/hooks/message-change.ts';
import type { FailureContext, TapScope, ViewOwner } from '../../lib/hooks/view-owner.ts';

/** Never opens. */
const lenient: BreakerLimits = { failures: 0, ratio: 0.5, window: 10_000, pause: 1_000, maxPause: 60_000 };

/** A view's owner that keeps what it is told. */
export class RecordingOwner implements ViewOwner {
  readonly name: string;
  onError: ViewOwner['onError'];
  timeout: number;
  timeouts: ViewOwner['timeouts'];
  breaker: BreakerLimits;
  generation = 1;
  active = true;
  readonly changes: MessageChange[] = [];
  readonly breakerChanges: { readonly hook: HookName; readonly change: BreakerChange }[] = [];
  readonly failures: { readonly error: unknown; readonly context: FailureContext }[] = [];
  /** Holds the owner's name inside the owner's taps. */
  static readonly storage = new AsyncLocalStorage<string>();

  constructor(
    name: string,
    {
      onError = 'skip',
      timeout = 10_000,
      timeouts = {},
      breaker = lenient,
    }: Partial<Pick<ViewOwner, 'onError' | 'timeout' | 'timeouts' | 'breaker'>> = {},
  ) {
    this.name = name;
    this.onError = onError;
    this.timeout = timeout;
    this.timeouts = timeouts;
    this.breaker = breaker;
  }

  get errors(): unknown[] {
    return this.failures.map(({ error }) => error);
  }

  fail(error: unknown, context: FailureContext): void {
    this.failures.push({ error, context });
  }

  changed(change: MessageChange): void {
    this.changes.push(change);
  }

  breakerChanged(hook: HookName, change: BreakerChange): void {
    this.breakerChanges.push({ hook, change });
  }

  scope(): TapScope {
    const resource = RecordingOwner.storage.run(this.name, () => new AsyncResource('SPEC'));
    return { call: (call, value) => resource.runInAsyncScope(call, undefined, value) };
  }
}
