import { GatewayDError, type ErrorDefinition } from '../errors.ts';
import type { Attribution } from './attribution.ts';
import { pluginErrors } from './errors.ts';
import type { Incidents } from './incidents.ts';
import { ListenerWatch } from './listener-watch.ts';
import type { ManagedPlugin } from './managed-plugin.ts';
import { StartedWatch } from './started-watch.ts';

/** What plugins start and do not end: their timers, servers and sockets, and their listeners on `process`. */
export class Leftovers {
  readonly #started: StartedWatch<ManagedPlugin>;
  readonly #listeners: ListenerWatch<ManagedPlugin>;
  readonly #incidents: Incidents;

  constructor(attribution: Attribution<ManagedPlugin>, incidents: Incidents) {
    this.#started = StartedWatch.of(attribution);
    this.#listeners = new ListenerWatch(attribution);
    this.#incidents = incidents;
  }

  /** Remembers them from now on. */
  start(): void {
    this.#started.start();
    this.#listeners.start();
  }

  /** The plugins are loaded. */
  loaded(): void {
    this.#started.loaded();
  }

  /** Stops and takes off what a plugin left, and names it. */
  clear(plugin: ManagedPlugin): void {
    // Telemetry ends by itself what it has under way, and not at a reload.
    if (plugin.builtIn) return;
    const left = this.#started.clear(plugin);
    for (const kind of ['timer', 'server', 'socket'] as const) {
      const places = left.filter((one) => one.kind === kind).map(({ where }) => where);
      this.#say(
        plugin,
        kind === 'timer' ? pluginErrors.PLUGIN_LEFT_TIMER : pluginErrors.PLUGIN_LEFT_OPEN,
        kind,
        places,
      );
    }
    this.#say(plugin, pluginErrors.PLUGIN_LEFT_LISTENER, 'listener', this.#listeners.clear(plugin));
  }

  /** Remembers no listeners any more. */
  stop(): void {
    this.#listeners.stop();
  }

  #say(plugin: ManagedPlugin, definition: ErrorDefinition, what: string, places: readonly string[]): void {
    if (places.length === 0) return;
    const count = places.length === 1 ? `a ${what}` : `${places.length} ${what}s`;
    const values = { plugin: plugin.name, count, where: [...new Set(places)].join(', ') };
    this.#incidents.warn(new GatewayDError(definition, values), { plugin: plugin.name });
  }
}
