import { GlobalGuard, type Patch } from './global-guard.ts';

/** How long a patch that a plugin makes later on may last. */
const periodMilliseconds = 1_000;
/** One for a process: later generations are to find things as they were before the first. */
let guard: GlobalGuard | undefined;
let watchers = 0;

/**
 * Looks for patches of what all of the process stands on for as long as it is not ended, and has them told of.
 * @param found told of each, from time to time
 * @returns the function that ends it
 */
export function watchForPatches(found: (patch: Patch) => void): () => void {
  guard ??= new GlobalGuard();
  watchers++;
  const timer = setInterval(() => checkForPatches(found), periodMilliseconds).unref();
  return () => {
    clearInterval(timer);
    checkForPatches(found);
    if (--watchers === 0) guard = undefined;
  };
}

/** Looks now. */
export function checkForPatches(found: (patch: Patch) => void): void {
  for (const patch of guard?.restore() ?? []) found(patch);
}
