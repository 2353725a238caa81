import inspector from 'node:inspector';
import { Worker } from 'node:worker_threads';
import { namesOfTaps, runningTap, type TapName } from '../hooks/running-tap.ts';

/** A plugin that holds the main thread, as the watchdog saw it. */
export interface Hang {
  readonly plugin: string;
  /** The hook whose tap it is; null where it is no tap. */
  readonly hook: string | null;
  readonly tap: string | null;
  /** The stack of the main thread, innermost first; empty where it could not be had. */
  readonly stack: readonly string[];
  /** When it began to be held, in milliseconds by `process.hrtime`, which all threads share. */
  readonly since: number;
}

/** What the thread starts with. */
export interface WatchdogData {
  readonly beats: Int32Array;
  readonly running: Int32Array;
  readonly limit: number;
}

/** What the thread is to know by the time that nobody can tell it any more. */
export interface WatchdogNews {
  readonly taps: TapName[];
  readonly roots: PluginRoot[];
  /** Whether a debugger may hold the main thread. */
  debugged: boolean;
}

/** The real path of a plugin's file or folder. */
export interface PluginRoot {
  readonly path: string;
  readonly plugin: string;
}

const fromSource = import.meta.url.endsWith('.ts');
const entry = new URL(`./watchdog-thread.${fromSource ? 'ts' : 'js'}`, import.meta.url);
/** What runs gatewayd from its sources does not see to threads by itself. */
const entryFromSource = `import('tsx/esm/api').then(({ register }) => (register(), import('${entry.href}')))`;
/** The thread itself needs a tenth of it. */
const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

/**
 * A thread that notices when the main thread is held for longer than a limit, and names the plugin, its hook and its
 * stack on the standard error stream while it still is. It keeps nothing running and costs a turn of the event loop
 * four times in the limit.
 */
export class Watchdog {
  readonly #beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #worker: Worker;
  readonly #beating: NodeJS.Timeout;
  readonly #roots: PluginRoot[] = [];
  /** Whose roots it was told of: those of later generations are mostly the same. */
  readonly #known = new Set<string>();
  #tapsSent = 0;
  #debugged = false;

  /**
   * @param limit in milliseconds
   * @param over told of each hang when it is over
   * @param failed told when there is no watchdog any more
   */
  constructor(limit: number, over: (hang: Hang) => void, failed: (error: Error) => void) {
    const workerData: WatchdogData = { beats: this.#beats, running: runningTap, limit };
    const given = { workerData, name: 'gatewayd watchdog', stdin: false };
    this.#worker = fromSource
      ? new Worker(entryFromSource, { ...given, eval: true })
      : new Worker(entry, { ...given, execArgv: [], resourceLimits });
    this.#worker.on('message', over);
    this.#worker.on('error', failed);
    this.#worker.unref();
    this.#beating = setInterval(() => this.#beat(), limit / 4);
    this.#beating.unref();
  }

  /** @param roots of plugins that it may meet, beside those it knows */
  know(roots: readonly PluginRoot[]): void {
    for (const root of roots) {
      const key = `${root.plugin} ${root.path}`;
      if (this.#known.has(key)) continue;
      this.#known.add(key);
      this.#roots.push(root);
    }
    this.#beat();
  }

  async stop(): Promise<void> {
    clearInterval(this.#beating);
    await this.#worker.terminate();
  }

  #beat(): void {
    Atomics.add(this.#beats, 0, 1);
    Atomics.notify(this.#beats, 0);
    const all = namesOfTaps();
    const debugged = inspector.url() !== undefined;
    if (all.length === this.#tapsSent && this.#roots.length === 0 && debugged === this.#debugged) return;
    const news: WatchdogNews = { taps: all.slice(this.#tapsSent), roots: this.#roots.splice(0), debugged };
    this.#tapsSent = all.length;
    this.#debugged = debugged;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
    this.#worker.postMessage(news);
  }
}
