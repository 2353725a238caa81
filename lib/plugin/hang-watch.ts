import type { Hang, PluginRoot, Watchdog } from './watchdog.ts';

/** Whose plugins are watched. */
export interface Watched {
  /** In milliseconds. */
  readonly limit: number;
  readonly roots: readonly PluginRoot[];
  /** Told of a hang when it is over; false when the plugin is none of its own. */
  hung(hang: Hang): boolean;
  /** Told when nothing watches any more. */
  failed(error: unknown): void;
}

/** A thread takes a while to be started, and whoever starts has better things to do. */
const startMilliseconds = 200;

/** Those that are watched, the latest last: the generations of a process share one watchdog. */
const watched: Watched[] = [];
let watchdog: Promise<Watchdog> | undefined;
let starting: NodeJS.Timeout | undefined;
let limitInForce = 0;

/**
 * Has plugins watched that run in this very thread: one that holds it for longer than the limit is named on the standard
 * error stream while it does, and reported afterwards. The limit is that of whoever asked last.
 * @returns the function that ends it
 */
export function watchForHangs(one: Watched): () => Promise<void> {
  watched.push(one);
  if (one.limit !== limitInForce) void restart(one.limit);
  else void watchdog?.then((running) => running.know(one.roots));
  return async () => {
    const index = watched.indexOf(one);
    if (index !== -1) watched.splice(index, 1);
    if (watched.length === 0) await restart(0);
  };
}

/** @param limit 0 to end it */
async function restart(limit: number): Promise<void> {
  const before = watchdog;
  limitInForce = limit;
  clearTimeout(starting);
  watchdog = undefined;
  if (limit > 0) {
    starting = setTimeout(() => {
      watchdog = start(limit);
    }, startMilliseconds).unref();
  }
  await (await before)?.stop();
}

async function start(limit: number): Promise<Watchdog> {
  const { Watchdog: Made } = await import('./watchdog.ts');
  const made = new Made(
    limit,
    (hang) => void watched.toReversed().some((one) => one.hung(hang)),
    (error) => {
      for (const one of watched) one.failed(error);
    },
  );
  made.know(watched.flatMap(({ roots }) => roots));
  return made;
}
