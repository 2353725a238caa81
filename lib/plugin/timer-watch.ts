import { createHook } from 'node:async_hooks';
import type { Attribution } from './attribution.ts';

/** Node's own timers; `_destroyed` says that one has fired for the last time or was cleared. */
type Timer = (NodeJS.Timeout | NodeJS.Immediate) & { readonly _destroyed?: boolean };

interface Started {
  readonly timer: WeakRef<Timer>;
  readonly place: string;
}

/**
 * Remembers the timers that plugins start while it watches: at load and in `apply`. Watching costs every promise of the
 * process a little, so it ends when the plugins are loaded.
 */
export class TimerWatch<Owner extends object> {
  readonly #started = new WeakMap<Owner, Started[]>();
  readonly #attribution: Attribution<Owner>;
  readonly #hook = createHook({
    init: (_, type, __, resource) => {
      if (type === 'Timeout' || type === 'Immediate') this.#remember(resource as Timer);
    },
  });

  constructor(attribution: Attribution<Owner>) {
    this.#attribution = attribution;
  }

  start(): void {
    this.#hook.enable();
  }

  stop(): void {
    this.#hook.disable();
  }

  /** Stops the timers of an owner that still run; gives the lines that started them. */
  clear(owner: Owner): readonly string[] {
    const places: string[] = [];
    for (const { timer, place } of this.#started.get(owner) ?? []) {
      const running = timer.deref();
      if (running === undefined || running._destroyed === true) continue;
      if ('refresh' in running) clearTimeout(running);
      else clearImmediate(running);
      places.push(place);
    }
    this.#started.delete(owner);
    return places;
  }

  #remember(timer: Timer): void {
    const owner = this.#attribution.current();
    if (owner === undefined) return;
    const place = this.#attribution.lineOfCaller(owner);
    // The host's own time limits start in the plugin's context too.
    if (place === undefined) return;
    const timers = this.#started.get(owner) ?? [];
    this.#started.set(owner, timers);
    timers.push({ timer: new WeakRef(timer), place });
  }
}
