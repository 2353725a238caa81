import type { Attribution } from './attribution.ts';

type Listener = (...values: unknown[]) => void;

/** A listener that a plugin put on `process`. */
interface Added {
  readonly event: string | symbol;
  readonly listener: Listener;
  /** The line that added it. */
  readonly place: string;
}

/**
 * Remembers the listeners that plugins put on `process`, at load or at any time later, and takes off those that are left
 * when a plugin is unloaded. It costs `process.on` a little, and nothing else anything.
 */
export class ListenerWatch<Owner extends object> {
  readonly #added = new Map<Owner, Added[]>();
  readonly #attribution: Attribution<Owner>;
  readonly #onNew = (event: string | symbol, listener: Listener): void => this.#remember(event, listener);

  constructor(attribution: Attribution<Owner>) {
    this.#attribution = attribution;
  }

  start(): void {
    process.on('newListener', this.#onNew);
  }

  stop(): void {
    process.off('newListener', this.#onNew);
    this.#added.clear();
  }

  /** Takes off what an owner left; gives the lines that put it there. */
  clear(owner: Owner): readonly string[] {
    const left = (this.#added.get(owner) ?? []).filter(({ event, listener }) => isOn(event, listener));
    this.#added.delete(owner);
    for (const { event, listener } of left) process.off(event, listener);
    return left.map(({ place }) => place);
  }

  #remember(event: string | symbol, listener: Listener): void {
    const owner = this.#attribution.ofCaller();
    if (owner === undefined) return;
    const place = this.#attribution.lineOfCaller(owner);
    // What gatewayd itself, or a library of its own, adds in the plugin's context is not the plugin's.
    if (place === undefined) return;
    const known = (this.#added.get(owner) ?? []).filter((one) => isOn(one.event, one.listener));
    this.#added.set(owner, [...known, { event, listener, place }]);
  }
}

/** Those that wait for one event alone are given as they were written. */
function isOn(event: string | symbol, listener: Listener): boolean {
  return process.listeners(event as NodeJS.Signals).includes(listener);
}
