import type { AsyncParallelHook, AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook } from 'tapable';
import { directRun } from './chain.ts';
import { throwLater } from './throw-later.ts';

/**
 * How gatewayd calls the hooks of the bus. None of these throws or rejects on account of a tap: a plugin's tap is
 * contained by its view, and what a tap of gatewayd's own throws ends the chain it was in and surfaces as an uncaught
 * exception. A hook nobody taps costs one check. The `call…` functions take a callback and call it before they return
 * when every tap was synchronous, and then no promise is made; the `emit…` functions give a promise, or nothing.
 */

type Callback<R> = (error: unknown, result?: R) => void;

/** As much of a hook as is called here. */
interface Callable<T, R> {
  callAsync(payload: T, callback: Callback<R>): void;
}

/** Runs tapable's `callAsync`, and `done` exactly once whatever happens in it. What `done` throws is the caller's. */
function dispatch<T, R>(hook: Callable<T, R>, payload: T, done: (result: R | undefined) => void): void {
  let settled = false;
  const callback: Callback<R> = (error, result) => {
    if (settled) return;
    settled = true;
    if (error) throwLater(error);
    done(error ? undefined : result);
  };
  try {
    hook.callAsync(payload, callback);
  } catch (error) {
    if (settled) throw error;
    callback(error);
  }
}

/** Calls the taps one after the other until one returns something: that goes to `done`, undefined when none did. */
export function callBail<T, R>(
  hook: AsyncSeriesBailHook<[T], R>,
  payload: T,
  done: (result: R | undefined) => void,
): void {
  if (!hook.isUsed()) return done(undefined);
  dispatch<T, R>(hook, payload, done);
}

/** Calls the taps one after the other, then `done`. */
export function callSeries<T>(hook: AsyncSeriesHook<[T]>, payload: T, done: () => void): void {
  if (!hook.isUsed()) return done();
  dispatch<T, void>(hook, payload, done);
}

/** What the taps of a hook gave: a promise of it only where one of them is to be waited for. */
export type Answer<R> = R | undefined | Promise<R | undefined>;

/** `callBail` for the path of every message: nothing is made for the call itself. */
export function bailNow<T, R>(hook: AsyncSeriesBailHook<[T], R>, payload: T): Answer<R> {
  const run = directRun(hook);
  if (run !== undefined) return run(payload) as Answer<R>;
  return answerOf((done) => callBail(hook, payload, done));
}

/** `callSeries` likewise. */
export function seriesNow<T>(hook: AsyncSeriesHook<[T]>, payload: T): Answer<void> {
  const run = directRun(hook);
  if (run !== undefined) return run(payload) as Answer<void>;
  return answerOf<void>((done) => callSeries(hook, payload, () => done(undefined)));
}

function answerOf<R>(call: (done: (result: R | undefined) => void) => void): Answer<R> {
  let settled = false;
  let answer: R | undefined;
  let settle: ((result: R | undefined) => void) | null = null;
  call((result) => {
    settled = true;
    answer = result;
    settle?.(result);
  });
  if (settled) return answer;
  return new Promise((resolve) => {
    settle = resolve;
  });
}

const ignore = (): void => {};

/** Tells the taps and waits for none of them. */
export function emit<T>(hook: AsyncSeriesHook<[T]> | AsyncParallelHook<[T]>, payload: T): void {
  if (hook.isUsed()) dispatch<T, void>(hook, payload, ignore);
}

/** `callSeries` as a promise. */
export async function emitSeries<T>(hook: AsyncSeriesHook<[T]>, payload: T): Promise<void> {
  if (hook.isUsed()) await new Promise<void>((resolve) => callSeries(hook, payload, resolve));
}

/** `callBail` as a promise. */
export async function emitBail<T, R>(hook: AsyncSeriesBailHook<[T], R>, payload: T): Promise<R | undefined> {
  if (!hook.isUsed()) return undefined;
  return new Promise((resolve) => callBail(hook, payload, resolve));
}

/** Hands `value` from tap to tap, each of which may replace it; gives what the last one left. */
export async function emitWaterfall<T>(hook: AsyncSeriesWaterfallHook<[T]>, value: T): Promise<T> {
  if (!hook.isUsed()) return value;
  return new Promise((resolve) => {
    dispatch<T, T>(hook, value, (result) => resolve(result ?? value));
  });
}
