import { AsyncLocalStorage } from 'node:async_hooks';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Deep enough to find a plugin's frame below those of the libraries it uses. */
const stackDepth = 100;

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

function stackOf(error: unknown): string {
  try {
    const stack: unknown = (error as Error | null | undefined)?.stack;
    return typeof stack === 'string' ? stack : '';
  } catch {
    return '';
  }
}

function callerStack(): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = stackDepth;
  const stack = stackOf(new Error('here'));
  Error.stackTraceLimit = stackTraceLimit;
  return stack;
}

/** The frames of a stack as V8 writes it that lie in files. */
function framesOf(stack: string): { readonly file: string; readonly place: string }[] {
  return stack.split('\n').flatMap((line) => {
    const place = /^ +at (?:.*\()?(?:async )?(.+:\d+:\d+)\)?$/.exec(line)?.[1];
    const file = place?.replace(/:\d+:\d+$/, '');
    if (place === undefined || file === undefined) return [];
    if (file.startsWith('file:')) return [{ file: pathOf(file), place: pathOf(place) }];
    return path.isAbsolute(file) ? [{ file, place }] : [];
  });
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
