import { setImmediate } from 'node:timers/promises';

/** For how long work that can wait holds the event loop, in milliseconds. */
const longestTurn = 0.5;

/** When the running turn of such work began. */
let begun = 0;
let last: Promise<void> = Promise.resolve();

/**
 * To be awaited between the steps of work that others need not wait for, such as a reload under traffic: where such work
 * has had its share of the running turn of the event loop, it settles in a later one, when what has arrived meanwhile is
 * done. However many wait for it, each settles in a turn of its own unless there is time left; where there is nothing
 * else to do, it costs some microseconds in each half of a millisecond.
 */
export function turn(): Promise<void> {
  last = last.then(pass);
  return last;
}

async function pass(): Promise<void> {
  if (performance.now() - begun < longestTurn) return;
  await setImmediate();
  begun = performance.now();
}
