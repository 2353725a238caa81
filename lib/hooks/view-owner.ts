import type { BreakerChange, BreakerLimits } from './circuit-breaker.ts';
import type { HookName } from './hooks.ts';
import type { FailurePhase } from './loaded-plugin.ts';
import type { MessageChange } from './message-change.ts';

/** Where in the owner a failure happened. */
export interface FailureContext {
  /** The hook whose tap failed; null where no hook was involved. */
  readonly hook: HookName | null;
  readonly phase: FailurePhase;
  /** The tap's name on the bus, where a tap failed. */
  readonly tap?: string;
}

/** What taps are called in. */
export interface TapScope {
  /** Calls a function with a value; gives or throws what that does. */
  call<V, T>(call: (value: V) => T, value: V): T;
}

/** Whose a view of the bus is: what the view must know of a plugin, and whom it tells. */
export interface ViewOwner {
  readonly name: string;
  /** The generation of plugins that it belongs to: 1 for the first of a process. */
  readonly generation: number;
  /**
   * What becomes of a message whose tap failed: it goes on unchanged, or the client gets an error. The latter on
   * `opening`, `trafficFromClient` and `trafficFromServer` only.
   */
  readonly onError: 'skip' | 'refuse';
  /** The time limit of one asynchronous tap, in milliseconds. */
  readonly timeout: number;
  /** The limits of those hooks that have one of their own. */
  readonly timeouts: Readonly<Partial<Record<HookName, number>>>;
  /** When its taps of a hook that fail are left alone. */
  readonly breaker: BreakerLimits;
  /** While false the owner's taps are not called: tapable has no untap. What `onError` says holds then, too. */
  readonly active: boolean;
  /** Gets every failure of the owner's taps: whatever was thrown, as it was thrown. Must not throw. */
  fail(error: unknown, context: FailureContext): void;
  /** Gets everything the owner's taps changed. Must not throw. */
  changed(change: MessageChange): void;
  /** Its taps of a hook are left alone from now on, or called again. Must not throw. */
  breakerChanged(hook: HookName, change: BreakerChange): void;
  /**
   * What a tap of the hook is run in: an asynchronous context that names owner and hook, so that both are known of
   * what fails after the tap has returned. Asked for once a tap: every message goes through it.
   */
  scope(hook: HookName): TapScope;
}
