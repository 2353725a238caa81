import type { HookName } from './hooks.ts';

/** A tap of a plugin, as whoever looks on from outside names it. */
export interface TapName {
  readonly plugin: string;
  readonly hook: HookName;
  /** Its name on the bus. */
  readonly tap: string;
}

/**
 * The number of the tap that runs just now, 0 for none, in memory that another thread can read while this one is held.
 * Of taps that wait, only the part up to where they wait is meant.
 */
export const runningTap = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

const names: TapName[] = [];
const numbers = new Map<string, number>();

/** The number of a tap; the same again for one of the same name in a later generation. */
export function numberOfTap(name: TapName): number {
  const key = `${name.plugin} ${name.hook} ${name.tap}`;
  const known = numbers.get(key);
  if (known !== undefined) return known;
  const number = names.push(name);
  numbers.set(key, number);
  return number;
}

/** All taps that have a number: that of number 1 first. */
export function namesOfTaps(): readonly TapName[] {
  return names;
}
