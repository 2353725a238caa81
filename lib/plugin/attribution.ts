import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import path from 'node:path';
import { callerStack, framesOf, stackOf } from './stack-frames.ts';

/** Whose code it was, and in which of its taps it was begun. */
export interface Place<Owner> {
  readonly owner: Owner;
  /** Null for what was begun outside of any tap. */
  readonly hook: string | null;
}

/**
 * Tells whose code it was: by the topmost frame of a stack that lies in a plugin's file or folder, or else by the
 * asynchronous context that was entered around the plugin's import, `apply` and taps.
 */
export class Attribution<Owner> {
  readonly #context = new AsyncLocalStorage<Place<Owner>>();
  readonly #owners = new Map<string, Owner>();

  /** @param root real path of the owner's file or folder */
  add(root: string, owner: Owner): void {
    this.#owners.set(root, owner);
  }

  /** Calls `call` in the owner's asynchronous context. */
  run<T>(owner: Owner, call: () => T): T {
    return this.#context.run({ owner, hook: null }, call);
  }

  /**
   * An asynchronous context for the owner's taps of a hook. It is made once and entered again and again, which takes
   * some 15 ns; `run` of an AsyncLocalStorage takes 25, and 330 from Node 24 on.
   */
  scope(owner: Owner, hook: string): AsyncResource {
    return this.#context.run({ owner, hook }, () => new AsyncResource('GATEWAYD_TAP'));
  }

  /** Whose asynchronous context this is. */
  current(): Owner | undefined {
    return this.#context.getStore()?.owner;
  }

  /** Whose error it is. To be called in the context the error was met in. */
  ofError(error: unknown): Owner | undefined {
    return this.#ofStack(stackOf(error)) ?? this.current();
  }

  /** Whose error it is, and the hook it was on its way in. To be called in the context the error was met in. */
  placeOf(error: unknown): Place<Owner> | undefined {
    const owner = this.ofError(error);
    return owner === undefined ? undefined : { owner, hook: this.#context.getStore()?.hook ?? null };
  }

  /** Whose code is running. */
  ofCaller(): Owner | undefined {
    return this.#ofStack(callerStack()) ?? this.current();
  }

  /** The line of the owner's code that is running, as `file:line:column`. */
  lineOfCaller(owner: Owner): string | undefined {
    return framesOf(callerStack()).find(({ file }) => this.#ofFile(file) === owner)?.place;
  }

  #ofStack(stack: string): Owner | undefined {
    for (const { file } of framesOf(stack)) {
      const owner = this.#ofFile(file);
      if (owner !== undefined) return owner;
    }
    return undefined;
  }

  #ofFile(file: string): Owner | undefined {
    for (let place = file; ; place = path.dirname(place)) {
      const owner = this.#owners.get(place);
      if (owner !== undefined || place === path.dirname(place)) return owner;
    }
  }
}
