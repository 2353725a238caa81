import { GatewayDError } from '../errors.ts';
import type { Attribution } from './attribution.ts';
import { turn } from '../turn.ts';
import { pluginErrors } from './errors.ts';
import { checksumOf, isElsewhere, type Ready } from './examine.ts';
import type { Incidents } from './incidents.ts';
import { inProcess, type Runner } from './loader.ts';
import type { ManagedPlugin } from './managed-plugin.ts';
import { registerModuleHooks } from './module-hooks.ts';
import type { PluginHostOptions } from './options.ts';
import { checkForPatches } from './patch-watch.ts';
import { checkPermissions, notEnforced } from './permissions.ts';
import type { Predecessor } from './predecessor.ts';
import type { Registry } from './registry.ts';

/** What plugins are imported with. */
export interface ImporterParts {
  readonly options: PluginHostOptions;
  readonly registry: Registry;
  readonly attribution: Attribution<ManagedPlugin>;
  readonly incidents: Incidents;
  /** Time limit of an import, in milliseconds. */
  readonly limit: number;
  /** Called with a plugin that cannot be loaded, and why. */
  readonly refuse: (plugin: ManagedPlugin, error: unknown) => void;
}

/** Runs plugins' modules, each where its row says: the first moment that any of their code runs. */
export class Importer {
  readonly #parts: ImporterParts;

  constructor(parts: ImporterParts) {
    this.#parts = parts;
  }

  /** Imports those that were found and are not yet, all at once: what one waits for does not hold up the others. */
  async importAll(predecessor: Predecessor | null): Promise<void> {
    const ready = this.#parts.registry.managed.flatMap((plugin) =>
      plugin.examined.state === 'found' && plugin.state === 'found' && plugin.module === null
        ? [{ plugin, ready: plugin.examined }]
        : [],
    );
    const needsHooks = ({ plugin: { tag }, ready: one }: (typeof ready)[number]): boolean =>
      !isElsewhere(one) && (one.needsModuleHooks || (tag !== '' && one.importsOwnFiles));
    if (ready.some(needsHooks)) registerModuleHooks();
    await Promise.all(
      ready.map(async (one) => {
        await turn();
        await this.#import(one.plugin, one.ready, predecessor);
      }),
    );
  }

  async #import(plugin: ManagedPlugin, ready: Ready, predecessor: Predecessor | null): Promise<void> {
    const { registry, attribution, incidents, limit, refuse } = this.#parts;
    const started = performance.now();
    try {
      const runner = await this.#runnerFor(ready);
      plugin.module = await runner.load({
        ready,
        tag: plugin.tag,
        milliseconds: limit,
        enter: (call) => attribution.run(plugin, call),
        report: (error, place) => incidents.report(plugin, error, place),
        watchPlugins: (changed) => registry.watch(changed),
      });
      checkForPatches((patch) => incidents.patched(patch, null, 'load'));
      checkPermissions(plugin.name, plugin.module.permissions, ready.row?.permissions);
      const isKept = runner === inProcess && predecessor?.hasModuleOf(plugin) === true;
      // Who can write to what comes with gatewayd can write to gatewayd.
      if (!isKept && !ready.source.builtIn) await compareAgain(ready);
    } catch (error) {
      refuse(plugin, error);
    }
    plugin.milliseconds = performance.now() - started;
  }

  /** Where a plugin's code is to run. @throws {GatewayDError} PLUGIN_PERMISSION_MISSING, PLUGIN_ISOLATION_UNSUPPORTED */
  async #runnerFor({ name: plugin, row, source, manifest }: Ready): Promise<Runner> {
    const { options, incidents } = this.#parts;
    const isolation = row?.isolation ?? 'none';
    checkPermissions(plugin, manifest.permissions, row?.permissions);
    const open = notEnforced(plugin, isolation, row?.permissions);
    if (open !== null) incidents.warn(open, { plugin });
    if (source.builtIn) {
      const ignored = new GatewayDError(pluginErrors.PLUGIN_BUILT_IN_ISOLATION, { plugin, isolation });
      if (isolation !== 'none') incidents.warn(ignored, { plugin });
      return inProcess;
    }
    const runner = await options.runners?.(isolation);
    if (runner === undefined && isolation !== 'none') {
      throw new GatewayDError(pluginErrors.PLUGIN_ISOLATION_UNSUPPORTED, { plugin, isolation });
    }
    return runner ?? inProcess;
  }
}

/** @throws {GatewayDError} PLUGIN_CHANGED_WHILE_LOADING */
async function compareAgain({ name: plugin, source, checksum: expected }: Ready): Promise<void> {
  const actual = await checksumOf(plugin, source);
  if (actual === expected) return;
  throw new GatewayDError(pluginErrors.PLUGIN_CHANGED_WHILE_LOADING, { plugin, expected, actual });
}
