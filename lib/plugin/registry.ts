import type { LoadedPlugin, LoadedPlugins } from '../hooks/loaded-plugin.ts';
import type { ManagedPlugin } from './managed-plugin.ts';

/** A function given to `plugins.each`, and the plugin that gave it. */
interface Visitor {
  readonly visit: (plugin: LoadedPlugin) => void;
  readonly plugin: ManagedPlugin | undefined;
}

/** All plugins of a host. */
export class Registry {
  /** What plugins see of it: iterating and `get` give the loaded ones, `each` the failed ones too. */
  readonly face: LoadedPlugins = Object.freeze({
    get: (name: string) => this.#get(name),
    each: (visit: (plugin: LoadedPlugin) => void) => this.#each(visit),
    [Symbol.iterator]: () => this.#loaded(),
  });
  readonly #plugins: ManagedPlugin[] = [];
  readonly #visitors: Visitor[] = [];
  readonly #whose: () => ManagedPlugin | undefined;
  readonly #watchers: (() => void)[] = [];
  readonly #visitorFailed: (error: unknown, plugin: string) => void;

  /** @param whose asked which plugin it is that wants to visit the others: it does for as long as it is alive */
  constructor(whose: () => ManagedPlugin | undefined, visitorFailed: (error: unknown, plugin: string) => void) {
    this.#whose = whose;
    this.#visitorFailed = visitorFailed;
  }

  /** Every plugin there is, in the order they were found or, once that is known, applied. */
  get managed(): readonly ManagedPlugin[] {
    return this.#plugins;
  }

  /** Calls a function whenever a plugin was added or has gone to another state. */
  watch(changed: () => void): void {
    this.#watchers.push(changed);
  }

  add(plugin: ManagedPlugin): void {
    this.#plugins.push(plugin);
    plugin.onTransition = () => {
      for (const changed of this.#watchers) changed();
    };
    plugin.onTransition();
    if (plugin.state === 'disabled') return;
    for (const visitor of this.#visitors) this.#visit(visitor, plugin);
  }

  /** Puts plugins into the order given, before all others. */
  order(first: readonly ManagedPlugin[]): void {
    const ordered = new Set([...first, ...this.#plugins]);
    this.#plugins.splice(0, Infinity, ...ordered);
  }

  #get(name: string): LoadedPlugin | undefined {
    return this.#plugins.find((plugin) => plugin.name === name && plugin.state === 'loaded')?.face;
  }

  #each(visit: (plugin: LoadedPlugin) => void): void {
    const visitor = { visit, plugin: this.#whose() };
    this.#visitors.push(visitor);
    for (const plugin of this.#plugins) if (plugin.state !== 'disabled') this.#visit(visitor, plugin);
  }

  *#loaded(): Iterator<LoadedPlugin> {
    for (const plugin of this.#plugins) if (plugin.state === 'loaded') yield plugin.face;
  }

  #visit(visitor: Visitor, plugin: ManagedPlugin): void {
    if (visitor.plugin?.alive === false) return;
    try {
      visitor.visit(plugin.face);
    } catch (error) {
      this.#visitorFailed(error, plugin.name);
    }
  }
}
