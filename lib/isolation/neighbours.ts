import type { LoadedPlugin, PluginFailure } from '../hooks/loaded-plugin.ts';
import type { Host } from '../plugin/plugin.ts';
import { cross } from './crossed.ts';
import type { Incarnation } from './incarnation.ts';
import type { PluginRecord } from './wire.ts';

/** Failures of a plugin that a guest is told of when it asks late, or again after a restart. */
const kept = 32;

/** The plugins as a guest knows them: who they are, and the failures of those that it watches. */
export class Neighbours {
  readonly #plugin: string;
  readonly #current: () => Incarnation | null;
  readonly #failures = new Map<string, PluginFailure[]>();
  readonly #faces = new Map<string, LoadedPlugin>();

  /**
   * @param plugin the guest's
   * @param current gives the guest there is
   */
  constructor(plugin: string, current: () => Incarnation | null) {
    this.#plugin = plugin;
    this.#current = current;
  }

  /** Takes note of every plugin there is, and of every one that comes. */
  meet(host: Host): void {
    host.plugins.each((plugin) => {
      this.#faces.set(plugin.name, plugin);
      this.changed(host);
    });
  }

  /** Tells the guest of what has become of the plugins. */
  changed(host: Host): void {
    for (const plugin of this.records(host)) this.#current()?.link.post(['plugin', plugin]);
  }

  /** Every plugin there is; those that are loaded in the order they were. */
  records(host: Host): readonly PluginRecord[] {
    const loaded = new Set(host.plugins);
    return [...new Set([...loaded, ...this.#faces.values(), host.plugin])].map((plugin) => {
      const { name, version, checksum, path, trust, private: isPrivate, errorReports, generation } = plugin;
      const facts = { name, version, checksum, path, trust, private: isPrivate, errorReports, generation };
      const { statistics, changes } = plugin;
      return { ...facts, statistics: new Map(statistics), changes, loaded: loaded.has(plugin) };
    });
  }

  /** The guest wants to hear of the failures of the plugin with this name. */
  watch(guest: Incarnation, name: string): void {
    const face = this.#faces.get(name);
    if (face === undefined) return;
    guest.watched.add(name);
    const known = this.#failures.get(name);
    for (const failure of known ?? []) pass(failure, guest);
    if (known !== undefined) return;
    const failures: PluginFailure[] = [];
    this.#failures.set(name, failures);
    face.hooks.error.tap(this.#plugin, (failure) => {
      failures.push(failure);
      if (failures.length > kept) failures.shift();
      const current = this.#current();
      if (current?.watched.has(name) === true) pass(failure, current);
    });
  }
}

function pass({ error, ...failure }: PluginFailure, { link }: Incarnation): void {
  link.post(['failure', { ...failure, error: cross(error) }]);
}
