import type { Run } from './contained-tap.ts';

/** What tapable calls: settles by its callback, in the same turn where the contained tap did. */
export type BusTap = (payload: unknown, settle: Settle) => void;
type Settle = (error?: null, result?: unknown) => void;

/** As much of tapable's Hook as is not in its types: what turns its taps into the function that calls them. */
interface Compiled {
  compile: (this: Compiled, options: CompileOptions) => (...args: never[]) => unknown;
}
interface CompileOptions {
  readonly type: 'sync' | 'async' | 'promise';
  readonly taps: readonly { readonly fn: BusTap }[];
  readonly interceptors: readonly unknown[];
}

const runs = new WeakMap<BusTap, Run>();

/** Makes of a contained tap what is registered on the bus. */
export function busTap(run: Run): BusTap {
  const tap: BusTap = (payload, settle) => {
    const result = run(payload);
    if (result instanceof Promise) void result.then((value) => settle(null, value));
    else settle(null, result);
  };
  runs.set(tap, run);
  return tap;
}

/**
 * Lets a hook of kind AsyncSeries or AsyncSeriesBail call contained taps in a loop. As tapable has no tap that is
 * synchronous on most calls, it would allocate a closure a tap and a call, and nest the taps' stacks. Whatever is not
 * that simple (a tap of gatewayd's own, an interceptor, `promise()`) is left to tapable, with the same outcome.
 */
export function runDirectly<H extends object>(hook: H): H {
  const compiled = hook as unknown as Compiled;
  const { compile } = compiled;
  compiled.compile = function (options) {
    const direct = options.taps.map(({ fn }) => runs.get(fn)).filter((run) => run !== undefined);
    const simple = options.type === 'async' && options.interceptors.length === 0;
    if (!simple || direct.length < options.taps.length) return compile.call(this, options);
    return (payload: unknown, settle: Settle) => runChain(direct, 0, payload, settle);
  };
  return hook;
}

function runChain(taps: readonly Run[], first: number, payload: unknown, settle: Settle): void {
  for (let index = first; index < taps.length; index++) {
    const result = (taps[index] as Run)(payload);
    if (result === undefined) continue;
    if (!(result instanceof Promise)) return settle(null, result);
    void result.then((value) => {
      if (value === undefined) runChain(taps, index + 1, payload, settle);
      else settle(null, value);
    });
    return;
  }
  settle();
}
