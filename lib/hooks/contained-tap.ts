import { GatewayDError, type ErrorDefinition, type ErrorValues } from '../errors.ts';
import { hookCatalogue } from './catalogue.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { hooksErrors } from './errors.ts';
import type { HookName } from './hooks.ts';
import type { ChangeKind } from './message-change.ts';
import type { Session } from './payloads.ts';
import { RemoteResult } from './remote-result.ts';
import { numberOfTap, runningTap } from './running-tap.ts';
import { closeScope, isScoped, openScope, retainScope, type Afterwards, type ScopedHandle } from './scope.ts';
import type { HookCounter } from './statistics.ts';
import { tapRefusals, tapResults, type Refuse, type TapResult } from './tap-results.ts';
import { TapAway } from './tap-away.ts';
import { throwLater } from './throw-later.ts';
import type { ViewOwner } from './view-owner.ts';

/** What the author of a tap wrote. */
export type TapFunction = (payload: unknown, callback?: TapCallback) => unknown;
export type TapCallback = (error?: unknown, result?: unknown) => void;

/**
 * A contained tap: never throws. Gives what the hook goes on with, undefined for nothing; a promise, which never
 * rejects, only where the author's function was asynchronous.
 */
export type Run = (payload: unknown) => unknown;

/** One call of a tap that did not simply return nothing. */
interface TapCall {
  readonly payload: unknown;
  readonly handle: ScopedHandle | null;
  readonly started: number;
  /** The one call that a half-open breaker lets through. */
  readonly trial: boolean;
  /** What it gave has been checked by the hook's own check. */
  readonly checked?: boolean;
}

/** What all taps of one plugin on one hook share. */
export interface HookWatch {
  readonly counter: HookCounter;
  readonly breaker: CircuitBreaker;
}

/** The longest delay a timer of Node's takes. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Whether a value is to be waited for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  return typeof (value as PromiseLike<unknown>).then === 'function';
}

/** In words, what a value is that a tap should not have returned. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? 'another object' : `a ${typeof value}`;
}

/** One tap of one plugin: wraps the author's function so that whatever it does, the chain goes on. */
export class ContainedTap implements Afterwards {
  readonly #owner: ViewOwner;
  readonly #hook: HookName;
  readonly #name: string;
  readonly #counter: HookCounter;
  readonly #breaker: CircuitBreaker;
  readonly #limit: number;
  readonly #result: TapResult | undefined;
  readonly #refuse: Refuse | undefined;
  readonly #scope: ReturnType<ViewOwner['scope']>;
  readonly #number: number;

  constructor(owner: ViewOwner, hook: HookName, name: string, { counter, breaker }: HookWatch) {
    this.#owner = owner;
    this.#hook = hook;
    this.#name = name;
    this.#counter = counter;
    this.#breaker = breaker;
    this.#limit = Math.min(owner.timeouts[hook] ?? owner.timeout, LONGEST_TIMER);
    this.#result = tapResults[hook];
    this.#refuse = tapRefusals[hook];
    this.#scope = owner.scope(hook);
    this.#number = numberOfTap({ plugin: owner.name, hook, tap: name });
  }

  /**
   * For `tap` and `tapPromise`: the function is called in its owner's context. This is the path of every message:
   * nothing is allocated here but the payload's handle, and the clock is read for one call in 256.
   */
  wrap(call: TapFunction): Run {
    const owner = this.#owner;
    const counter = this.#counter;
    const scope = this.#scope;
    const breaker = this.#breaker;
    // Known per hook: asked of payloads of every kind at one place in the code, V8 takes 25 ns for the answer.
    const { expires } = hookCatalogue[this.#hook];
    const number = this.#number;
    return (payload) => {
      if (!owner.active) return this.#answerFor(payload);
      const trial = breaker.blocked;
      if (trial && !breaker.tryOnce()) {
        counter.skipped++;
        return this.#answerFor(payload);
      }
      const started = counter.begin();
      const handle = expires && isScoped(payload) ? payload[openScope]() : null;
      // Another one may have led here, by host.emit().
      const outer = runningTap[0] ?? 0;
      runningTap[0] = number;
      let result: unknown;
      try {
        result = scope.call(call, handle === null ? payload : handle);
      } catch (error) {
        runningTap[0] = outer;
        return this.#settleFailed({ payload, handle, started, trial }, error);
      }
      runningTap[0] = outer;
      if (trial || result !== undefined) return this.#settle({ payload, handle, started, trial }, result);
      if (handle !== null) {
        const changes = handle[closeScope](false, this);
        if (changes !== null) this.#changed(payload, changes);
      }
      counter.end(started);
      return undefined;
    };
  }

  /**
   * For `tapAsync`. What the tap answers before it returns is taken when it returns, what it answers later through a
   * promise: so the taps after it run neither on its stack nor in its context.
   */
  wrapCallback(call: TapFunction): Run {
    return this.wrap((payload) => {
      let answered = false;
      let settle: (() => void) | undefined;
      let failure: unknown;
      let result: unknown;
      const callback: TapCallback = (error, value) => {
        if (answered) return this.#report(this.#error(hooksErrors.HOOK_ANSWERED_TWICE, {}, error));
        answered = true;
        failure = error;
        result = value;
        settle?.();
      };
      try {
        call(payload, callback);
      } catch (error) {
        answered = true;
        throw error;
      }
      if (!answered) {
        return new Promise((resolve, reject) => {
          // eslint-disable-next-line typescript/prefer-promise-reject-errors -- whatever the tap gave is reported as it is
          settle = () => (failure ? reject(failure) : resolve(result));
        });
      }
      if (failure) throw failure;
      return result;
    });
  }

  get limit(): number {
    return this.#limit;
  }

  call(run: () => unknown): unknown {
    const outer = runningTap[0] ?? 0;
    runningTap[0] = this.#number;
    try {
      return this.#scope.call(run, undefined);
    } finally {
      runningTap[0] = outer;
    }
  }

  finished(payload: unknown, result: unknown): unknown {
    if (result === undefined) return undefined;
    try {
      this.#check(result);
    } catch (error) {
      return this.failed(payload, error);
    }
    const kind = this.#result?.kindOf(result);
    if (kind !== undefined) this.#changed(payload, [kind]);
    return result;
  }

  failed(payload: unknown, error?: unknown): unknown {
    this.#report(error === undefined ? this.#error(hooksErrors.HOOK_TIMEOUT, { limit: this.#limit }) : error);
    this.#breaker.failed();
    return this.#answerFor(payload);
  }

  #settle(call: TapCall, result: unknown): unknown {
    try {
      if (result instanceof RemoteResult || isThenable(result)) return this.#await(call, result);
      this.#check(result);
      const rule = this.#result;
      if (rule?.check !== undefined && call.checked !== true && result !== undefined && result !== call.payload) {
        return this.#await({ ...call, checked: true }, rule.check(result, this.#place));
      }
    } catch (error) {
      return this.#settleFailed(call, error);
    }
    const changes = this.#close(call, false) ?? [];
    const kind = result === undefined || result === call.payload ? undefined : this.#result?.kindOf(result);
    if (kind !== undefined) this.#changed(call.payload, [...changes, kind]);
    else if (changes.length > 0) this.#changed(call.payload, changes);
    return this.#result === undefined ? undefined : result;
  }

  #settleFailed(call: TapCall, error: unknown): unknown {
    const away = error instanceof TapAway;
    if (!away) this.#report(error);
    this.#close(call, true, away);
    return this.#answerFor(call.payload);
  }

  /** What the hook goes on with where the tap failed or was not called. */
  #answerFor(payload: unknown): unknown {
    if (this.#owner.onError !== 'refuse' || this.#refuse === undefined) return undefined;
    const { message, sqlstate = '' } = hooksErrors.HOOK_GUARD_FAILED;
    const refusal = this.#refuse(payload, sqlstate, message);
    if (refusal !== undefined) this.#changed(payload, ['guard']);
    return refusal;
  }

  #close({ handle, started, trial }: TapCall, failed: boolean, away = false): readonly ChangeKind[] | null {
    const changes = handle === null ? null : handle[closeScope](failed, this);
    this.#counter.end(started);
    if (trial) this.#breaker.tried(failed);
    else if (failed && !away) this.#breaker.failed();
    return changes;
  }

  #changed(payload: unknown, kinds: readonly ChangeKind[]): void {
    const { generation } = this.#owner;
    const session = (payload as { readonly session?: Session }).session?.id ?? null;
    this.#counter.changes++;
    for (const kind of kinds) {
      this.#owner.changed({ kind, hook: this.#hook, tap: this.#name, session, generation, time: Date.now() });
    }
  }

  #await(call: TapCall, awaited: RemoteResult | PromiseLike<unknown>): Promise<unknown> {
    if (call.handle !== null) call.handle[retainScope]();
    const limit = this.#limit;
    return new Promise((settle) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        settle(this.#settleFailed(call, this.#error(hooksErrors.HOOK_TIMEOUT, { limit })));
      }, limit);
      // What nobody waits for must not keep the process from ending.
      if (!hookCatalogue[this.#hook].awaited) timer.unref();
      const settled = (value: unknown): void => {
        if (late) return;
        clearTimeout(timer);
        settle(this.#settle(call, value));
      };
      const failed = (error: unknown): void => {
        if (late) return this.#report(error);
        clearTimeout(timer);
        settle(this.#settleFailed(call, error));
      };
      if (awaited instanceof RemoteResult) return awaited.listen(settled, failed);
      // A promise of our own, not the plugin's: it settles once, later, and its `then` is ours.
      void new Promise((resolve) => resolve(awaited)).then(settled, failed);
    });
  }

  /** @throws {GatewayDError} HOOK_BAD_RESULT */
  #check(result: unknown): void {
    const rule = this.#result;
    if (result === undefined || rule === undefined || rule.accepts(result)) return;
    throw this.#error(hooksErrors.HOOK_BAD_RESULT, { got: kindOf(result), expected: rule.expected });
  }

  get #place(): ErrorValues {
    return { plugin: this.#owner.name, hook: this.#hook, tap: this.#name };
  }

  #error(definition: ErrorDefinition, values: ErrorValues, cause?: unknown): GatewayDError {
    return new GatewayDError(definition, { ...this.#place, ...values }, cause === undefined ? undefined : { cause });
  }

  #report(error: unknown): void {
    this.#counter.errors++;
    try {
      this.#owner.fail(error, { hook: this.#hook, phase: 'hook', tap: this.#name });
    } catch (fault) {
      throwLater(fault);
    }
  }
}
