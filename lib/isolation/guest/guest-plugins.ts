import type { LoadedPlugin, LoadedPlugins } from '../../hooks/loaded-plugin.ts';
import { FailureLog } from '../../plugin/failure-log.ts';
import { uncross } from '../crossed.ts';
import type { FailureRecord, PluginRecord } from '../wire.ts';

interface Known {
  record: PluginRecord;
  readonly face: LoadedPlugin;
  readonly failures: FailureLog;
}

/** What a guest needs of gatewayd to show its plugin the others. */
export interface PluginsOutside {
  /** Asks for the failures of a plugin, those that were and those to come. */
  watch(plugin: string): void;
  report(error: unknown): void;
}

/** The plugins of the process as a plugin in a guest sees them. */
export class GuestPlugins {
  readonly face: LoadedPlugins = Object.freeze({
    get: (name: string) => this.#loaded(name)?.face,
    each: (visit: (plugin: LoadedPlugin) => void) => this.#each(visit),
    [Symbol.iterator]: () => this.#faces(),
  });
  readonly #outside: PluginsOutside;
  readonly #plugins = new Map<string, Known>();
  readonly #visitors: ((plugin: LoadedPlugin) => void)[] = [];

  constructor(outside: PluginsOutside) {
    this.#outside = outside;
  }

  /** A plugin there is, or what has become of one. */
  set(record: PluginRecord): void {
    const known = this.#plugins.get(record.name);
    if (known !== undefined) {
      known.record = record;
      return;
    }
    const added = this.#make(record);
    this.#plugins.set(record.name, added);
    for (const visit of this.#visitors) this.#visit(visit, added.face);
  }

  /** A plugin by its name, loaded or not. */
  faceOf(name: string): LoadedPlugin | undefined {
    return this.#plugins.get(name)?.face;
  }

  failed({ error, ...failure }: FailureRecord): void {
    this.#plugins.get(failure.plugin)?.failures.add(Object.freeze({ ...failure, error: uncross(error) }));
  }

  #make(first: PluginRecord): Known {
    const { name, checksum, path, trust, errorReports, generation } = first;
    const failures = new FailureLog((error) => this.#outside.report(error));
    let watched = false;
    failures.hook.intercept({
      register: (tap) => {
        if (!watched) this.#outside.watch(name);
        watched = true;
        return tap;
      },
    });
    const known: Known = {
      record: first,
      failures,
      face: Object.freeze({
        name,
        get version() {
          return known.record.version;
        },
        checksum,
        path,
        trust,
        get private() {
          return known.record.private;
        },
        errorReports,
        generation,
        get statistics() {
          return known.record.statistics;
        },
        get changes() {
          return known.record.changes;
        },
        hooks: Object.freeze({ error: failures.hook }),
      }),
    };
    return known;
  }

  #loaded(name: string): Known | undefined {
    const known = this.#plugins.get(name);
    return known?.record.loaded === true ? known : undefined;
  }

  *#faces(): Iterator<LoadedPlugin> {
    for (const { record, face } of this.#plugins.values()) if (record.loaded) yield face;
  }

  #each(visit: (plugin: LoadedPlugin) => void): void {
    this.#visitors.push(visit);
    for (const { face } of this.#plugins.values()) this.#visit(visit, face);
  }

  #visit(visit: (plugin: LoadedPlugin) => void, plugin: LoadedPlugin): void {
    try {
      visit(plugin);
    } catch (error) {
      this.#outside.report(error);
    }
  }
}
