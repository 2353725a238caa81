import { GatewayDError, type ErrorDefinition } from '../errors.ts';
import type { Attribution } from './attribution.ts';
import { pluginErrors } from './errors.ts';
import type { Incidents } from './incidents.ts';
import { ListenerWatch } from './listener-watch.ts';
import type { ManagedPlugin } from './managed-plugin.ts';
import { TimerWatch } from './timer-watch.ts';

/** What plugins start and do not end: their timers, and their listeners on `process`. */
export class Leftovers {
  readonly #timers: TimerWatch<ManagedPlugin>;
  readonly #listeners: ListenerWatch<ManagedPlugin>;
  readonly #incidents: Incidents;

  constructor(attribution: Attribution<ManagedPlugin>, incidents: Incidents) {
    this.#timers = new TimerWatch(attribution);
    this.#listeners = new ListenerWatch(attribution);
    this.#incidents = incidents;
  }

  /** Remembers both from now on. */
  start(): void {
    this.#timers.start();
    this.#listeners.start();
  }

  /** The plugins are loaded: what they start from now on is not remembered, but for listeners. */
  loaded(): void {
    this.#timers.stop();
  }

  /** Stops and takes off what a plugin left, and names it. */
  clear(plugin: ManagedPlugin): void {
    this.#say(plugin, pluginErrors.PLUGIN_LEFT_TIMER, 'timer', this.#timers.clear(plugin));
    this.#say(plugin, pluginErrors.PLUGIN_LEFT_LISTENER, 'listener', this.#listeners.clear(plugin));
  }

  /** Remembers nothing any more. */
  stop(): void {
    this.#timers.stop();
    this.#listeners.stop();
  }

  #say(plugin: ManagedPlugin, definition: ErrorDefinition, what: string, places: readonly string[]): void {
    if (places.length === 0) return;
    const count = places.length === 1 ? `a ${what}` : `${places.length} ${what}s`;
    const values = { plugin: plugin.name, count, where: [...new Set(places)].join(', ') };
    this.#incidents.warn(new GatewayDError(definition, values), { plugin: plugin.name });
  }
}
