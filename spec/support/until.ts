import { setTimeout as delay } from 'node:timers/promises';

/** Resolves once the condition holds: for what tells nobody when it happens, like the end of somebody else's process. */
export async function until(condition: () => boolean): Promise<void> {
  const limit = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > limit) throw new Error(`this did not come true: ${condition.toString()}`);
    await delay(10);
  }
}
