import type { PluginRow } from '../config/schema.ts';
import { GatewayDError } from '../errors.ts';
import { pluginErrors } from './errors.ts';
import { isElsewhere, type Examined } from './examine.ts';
import { locate, notFound } from './locate.ts';
import type { ManagedPlugin } from './managed-plugin.ts';
import { type ModuleTag, tagOf } from './module-tag.ts';
import type { PluginOptions } from './options.ts';

/** The generation that another one is to replace: what of it goes on, and what must not be lost. */
export class Predecessor {
  /** Those that were loaded, by name. */
  readonly #plugins: Map<string, ManagedPlugin>;
  readonly #names: readonly string[] | undefined;

  /**
   * @param loaded its plugins
   * @param names the plugins whose modules are imported anew; all but the built-in ones where it is left out
   */
  constructor(loaded: readonly ManagedPlugin[], names?: readonly string[]) {
    this.#plugins = new Map(loaded.map((plugin) => [plugin.name, plugin]));
    this.#names = names;
  }

  /** Lets go of it when it has been replaced: each generation would keep the one before it, back to the first. */
  release(): void {
    this.#plugins.clear();
  }

  /** Null for a plugin that was not loaded. */
  versionOf(name: string): string | null {
    return this.#plugins.get(name)?.version ?? null;
  }

  /** Those that go on with the module they have are not looked at again: only their rows may have changed. */
  keep(found: readonly Examined[], rows: readonly PluginRow[]): readonly Examined[] {
    const kept = new Map<string, Examined>();
    for (const { name, examined } of this.#plugins.values()) {
      const row = rows.find((one) => one.name === name);
      const goesOn = { ...examined, row };
      if (!this.#isFresh(goesOn) && row?.enabled !== false) kept.set(name, goesOn);
    }
    return found.map((one) => (one.source === null || one.state === 'disabled' ? one : (kept.get(one.name) ?? one)));
  }

  /** What a plugin's module is imported under in the generation of that number. */
  tagFor(examined: Examined, generation: number): ModuleTag {
    if (examined.source?.builtIn === true) return '';
    const old = this.#plugins.get(examined.name);
    return old === undefined || this.#isFresh(examined) ? tagOf(generation) : old.tag;
  }

  /** Whether a plugin goes on with the module that was imported for it there. */
  hasModuleOf({ name, tag }: ManagedPlugin): boolean {
    return this.#plugins.get(name)?.tag === tag;
  }

  /**
   * A generation that has lost a plugin replaces nothing.
   * @throws {GatewayDError} PLUGIN_NOT_RELOADED when a plugin is not loaded now that was, or that was asked for by name;
   * PLUGIN_NOT_FOUND
   */
  async checkNothingLost(managed: readonly ManagedPlugin[], options: PluginOptions): Promise<void> {
    for (const name of this.#names ?? []) await this.#checkAsked(name, managed, options);
    const isMissed = (name: string): boolean => this.#plugins.has(name) || this.#names?.includes(name) === true;
    const lost = managed.filter(({ name, state }) => state === 'failed' && isMissed(name));
    if (lost.length === 0) return;
    const plugins = lost.map(({ name, error }) => `${name} (${error?.code ?? ''}: ${error?.message ?? ''})`).join('; ');
    const mend = [...new Set(lost.map(({ error }) => error?.mend ?? ''))].join(' ');
    throw new GatewayDError(pluginErrors.PLUGIN_NOT_RELOADED, { plugins, mend });
  }

  async #checkAsked(name: string, managed: readonly ManagedPlugin[], options: PluginOptions): Promise<void> {
    const known = managed.find((plugin) => plugin.name === name);
    if (known === undefined) {
      // One that was loaded and is gone without a word in the config is unloaded.
      if (this.#plugins.has(name)) return;
      throw await notFound(name, await locate(options), options.directory);
    }
    if (known.state !== 'disabled') return;
    const values = { plugins: `${name} (it is turned off)`, mend: 'Set `enabled: true` in its row.' };
    throw new GatewayDError(pluginErrors.PLUGIN_NOT_RELOADED, values);
  }

  /** Whether a plugin's module is imported anew: always in a thread or process of its own, which is a new one. */
  #isFresh(examined: Examined): boolean {
    // What comes with gatewayd cannot have changed.
    if (examined.source?.builtIn === true) return false;
    if (this.#names === undefined || this.#names.includes(examined.name) || isElsewhere(examined)) return true;
    const before = this.#plugins.get(examined.name);
    // One that was elsewhere has no module here.
    return before !== undefined && isElsewhere(before.examined);
  }
}
