import type { HookName } from './hooks.ts';
import type { FailurePhase } from './loaded-plugin.ts';

/** Where in the owner a failure happened. */
export interface FailureContext {
  /** The hook whose tap failed; null where no hook was involved. */
  readonly hook: HookName | null;
  readonly phase: FailurePhase;
  /** The tap's name on the bus, where a tap failed. */
  readonly tap?: string;
}

/** Whose a view of the bus is: what the view must know of a plugin, and whom it tells. */
export interface ViewOwner {
  readonly name: string;
  /**
   * What becomes of a message whose tap failed: it goes on unchanged, or the client gets an error. The latter on
   * `opening`, `trafficFromClient` and `trafficFromServer` only.
   */
  readonly onError: 'skip' | 'refuse';
  /** The time limit of one asynchronous tap, in milliseconds. */
  readonly timeout: number;
  /** While false the owner's taps do nothing: tapable has no untap. */
  readonly active: boolean;
  /** Gets every failure of the owner's taps: whatever was thrown, as it was thrown. Must not throw. */
  fail(error: unknown, context: FailureContext): void;
  /** Calls `call` inside the owner's AsyncLocalStorage. Used for asynchronous taps only: it doubles the cost of a tap. */
  run<T>(call: () => T): T;
}
