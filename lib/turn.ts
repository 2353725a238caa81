import { setImmediate, setTimeout } from 'node:timers/promises';

/** For how long work that can wait holds the event loop, in milliseconds. */
const longestTurn = 0.5;
/** Others are at work where they took so many milliseconds between two turns. */
const leastWork = 0.1;
/** How long work that can wait then rests between two turns, in milliseconds. */
const rest = 6;

/** When the running turn of such work began. */
let begun = 0;
let last: Promise<void> = Promise.resolve();
/** How many want it to rest. */
let resting = 0;

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

/**
 * Has work that can wait rest between its turns while others are at work, so that most of the time is theirs: for a
 * process that serves clients, who would wait, and not for one that starts.
 * @returns the function that ends it
 */
export function restBetweenTurns(): () => void {
  resting += 1;
  return () => {
    resting -= 1;
  };
}

async function pass(): Promise<void> {
  const held = performance.now();
  if (held - begun < longestTurn) return;
  await setImmediate();
  if (resting > 0 && performance.now() - held > leastWork) await setTimeout(rest);
  begun = performance.now();
}
