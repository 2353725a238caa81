import { AsyncLocalStorage } from 'node:async_hooks';
import path from 'node:path';
import { callerStack, framesOf, stackOf } from './stack-frames.ts';

/**
 * Tells whose code it was: by the topmost frame of a stack that lies in a plugin's file or folder, or else by the
 * asynchronous context that was entered around the plugin's import, `apply` and asynchronous taps.
 */
export class Attribution<Owner> {
  readonly #context = new AsyncLocalStorage<Owner>();
  readonly #owners = new Map<string, Owner>();

  /** @param root real path of the owner's file or folder */
  add(root: string, owner: Owner): void {
    this.#owners.set(root, owner);
  }

  /** Calls `call` in the owner's asynchronous context. */
  run<T>(owner: Owner, call: () => T): T {
    return this.#context.run(owner, call);
  }

  /** Whose asynchronous context this is. */
  current(): Owner | undefined {
    return this.#context.getStore();
  }

  /** Whose error it is. To be called in the context the error was met in. */
  ofError(error: unknown): Owner | undefined {
    return this.#ofStack(stackOf(error)) ?? this.current();
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
