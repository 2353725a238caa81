import { AsyncLocalStorage, AsyncResource, createHook, executionAsyncResource } from 'node:async_hooks';
import type { TapScope } from '../hooks/view-owner.ts';

/** What an asynchronous context holds. */
export interface Held {
  /** Told of what Node begins in the context, promises apart, where the context is watched. Must not throw. */
  begun(type: string, resource: object): void;
}

/** Carries what it holds into whatever is begun meanwhile, as an AsyncLocalStorage does. */
export interface AsyncContext {
  /** What it holds for the code that is running. */
  current(): Held | undefined;
  /** What it held for the code that let an error go, where Node has left that code's context before it says so. Asked once. */
  lostBy(error: unknown): Held | undefined;
  /** Calls a function with something held. */
  run<T>(held: Held, call: () => T): T;
  /** The same, to be entered again and again. */
  scope(held: Held): TapScope;
  /** Has what it holds told of what is begun, from now on. */
  watch(): void;
  /** Ends that where it costs every promise of the process. */
  watchNoPromises(): void;
}

const heldBy = Symbol('gatewayd.held');
type Carrier = { [heldBy]?: Held };

type Init = (type: string, resource: object) => void;

/** @param trackPromises Node 20 and 22 always do */
function initHook(init: Init, trackPromises: boolean): ReturnType<typeof createHook> {
  const options = {
    init: (_: number, type: string, __: number, resource: object) => init(type, resource),
    trackPromises,
  };
  return createHook(options);
}

/**
 * For Node before 24, where an AsyncLocalStorage is a hook on everything that is begun: this one is, too, and costs the
 * same, but entering it is writing a variable.
 */
class HookedContext implements AsyncContext {
  readonly #hook = initHook((type, resource) => this.#init(type, resource), true);
  #enabled = false;
  #watched = false;
  /** For the code that is on the stack; what runs later has it from its resource. */
  #running: Held | undefined;
  #lost: { readonly error: unknown; readonly held: Held } | null = null;

  current(): Held | undefined {
    return this.#running ?? (executionAsyncResource() as Carrier)[heldBy];
  }

  lostBy(error: unknown): Held | undefined {
    const lost = this.#lost;
    this.#lost = null;
    return lost !== null && Object.is(lost.error, error) ? lost.held : undefined;
  }

  run<T>(held: Held, call: () => T): T {
    this.#enable();
    return this.enter(held, call, undefined);
  }

  scope(held: Held): TapScope {
    this.#enable();
    return new HookedScope(this, held);
  }

  enter<V, T>(held: Held, call: (value: V) => T, value: V): T {
    const outer = this.#running;
    this.#running = held;
    try {
      return call(value);
    } finally {
      this.#running = outer;
    }
  }

  watch(): void {
    this.#watched = true;
  }

  /** Here it is entering that does. */
  watchNoPromises(): void {}

  #enable(): void {
    if (this.#enabled) return;
    this.#enabled = true;
    this.#hook.enable();
  }

  #init(type: string, resource: object): void {
    const held = this.current();
    if (held === undefined) return;
    (resource as Carrier)[heldBy] = held;
    if (type === 'PROMISE') return;
    if (type === 'Microtask') this.#followMicrotask(resource as AsyncResource, held);
    else if (this.#watched) held.begun(type, resource);
  }

  /** Of what a microtask throws, Node tells when it has left the microtask's context. */
  #followMicrotask(microtask: AsyncResource, held: Held): void {
    microtask.runInAsyncScope = (call, self, ...values) => {
      try {
        return AsyncResource.prototype.runInAsyncScope.call(microtask, call as never, self, ...values) as never;
      } catch (error) {
        this.#lost = { error, held };
        throw error;
      }
    };
  }
}

class HookedScope implements TapScope {
  readonly #context: HookedContext;
  readonly #held: Held;

  constructor(context: HookedContext, held: Held) {
    this.#context = context;
    this.#held = held;
  }

  call<V, T>(call: (value: V) => T, value: V): T {
    return this.#context.enter(this.#held, call, value);
  }
}

/**
 * For Node from 24 on, where V8 itself carries the context and nothing is to be paid for what is begun. `run` takes
 * 400 ns there, so a scope is a resource that was made in it once; entering that takes 15.
 */
class FramedContext implements AsyncContext {
  readonly #storage = new AsyncLocalStorage<Held>();
  #hook: ReturnType<typeof createHook> | null = null;

  current(): Held | undefined {
    return this.#storage.getStore();
  }

  lostBy(): undefined {
    return undefined;
  }

  run<T>(held: Held, call: () => T): T {
    return this.#storage.run(held, call);
  }

  scope(held: Held): TapScope {
    return new FramedScope(this.run(held, () => new AsyncResource('GATEWAYD_TAP')));
  }

  watch(): void {
    this.#hook ??= initHook((type, resource) => this.current()?.begun(type, resource), false);
    this.#hook.enable();
  }

  watchNoPromises(): void {
    if (!canPassOverPromises()) this.#hook?.disable();
  }
}

class FramedScope implements TapScope {
  readonly #resource: AsyncResource;

  constructor(resource: AsyncResource) {
    this.#resource = resource;
  }

  call<V, T>(call: (value: V) => T, value: V): T {
    return this.#resource.runInAsyncScope(call, undefined, value);
  }
}

/** A Node that knows the option says so when it is wrong. */
function canPassOverPromises(): boolean {
  try {
    createHook({ trackPromises: 'unknown' } as object);
    return false;
  } catch {
    return true;
  }
}

/** The process's, or the thread's. */
export const asyncContext: AsyncContext =
  Number.parseInt(process.versions.node, 10) < 24 ? new HookedContext() : new FramedContext();
