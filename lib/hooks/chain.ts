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

/** Contained taps as a hook of the bus calls them. */
interface DirectCall {
  (payload: unknown, settle: Settle): void;
  /** Calls them without a callback; a contained tap itself, to whoever calls it. */
  readonly run: Run;
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
    return simple && direct.length === options.taps.length ? directCall(direct) : compile.call(this, options);
  };
  return hook;
}

/**
 * All taps of a hook as one contained tap; undefined while tapable has to see to them, which it does before the first
 * call and after another tap came.
 */
export function directRun(hook: { readonly callAsync: unknown }): Run | undefined {
  return (hook.callAsync as Partial<DirectCall>).run;
}

function directCall(taps: readonly Run[]): DirectCall {
  const [only] = taps;
  const run: Run = only !== undefined && taps.length === 1 ? only : (payload) => runFrom(taps, 0, payload);
  const call = (payload: unknown, settle: Settle): void => {
    const result = run(payload);
    if (result instanceof Promise) void result.then((value) => settle(null, value));
    else settle(null, result);
  };
  return Object.assign(call, { run });
}

function runFrom(taps: readonly Run[], first: number, payload: unknown): unknown {
  for (let index = first; index < taps.length; index++) {
    const result = (taps[index] as Run)(payload);
    if (result === undefined) continue;
    if (!(result instanceof Promise)) return result;
    return result.then((value: unknown) => (value === undefined ? runFrom(taps, index + 1, payload) : value));
  }
  return undefined;
}
