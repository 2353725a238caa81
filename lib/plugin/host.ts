import { GatewayDError, messageOf } from '../errors.ts';
import { createHooks, type HookName, type Hooks } from '../hooks/hooks.ts';
import type { LoadedPlugins } from '../hooks/loaded-plugin.ts';
import { turn } from '../turn.ts';
import { Activation } from './activation.ts';
import { Attribution } from './attribution.ts';
import { pluginErrors } from './errors.ts';
import { examine, examineBuiltIns, isElsewhere, type Examined } from './examine.ts';
import { explain, type ExplainedHook } from './explain.ts';
import { exitUnguarded, guardExit } from './exit-guard.ts';
import { FailureLog } from './failure-log.ts';
import { coded, type FailurePlace } from './failure-reporter.ts';
import { FailureThrottle } from './failure-throttle.ts';
import { recordFirstUse } from './first-use.ts';
import { watchForHangs } from './hang-watch.ts';
import { Importer } from './importer.ts';
import { Incidents } from './incidents.ts';
import { Leftovers } from './leftovers.ts';
import { ManagedPlugin } from './managed-plugin.ts';
import { Misbehaviour } from './misbehaviour.ts';
import { hooksTakeThread, registerModuleHooks } from './module-hooks.ts';
import type { PluginHostOptions } from './options.ts';
import { checkForPatches, watchForPatches } from './patch-watch.ts';
import { Predecessor } from './predecessor.ts';
import { Registry } from './registry.ts';
import type { PluginReport } from './report.ts';
import { orderByRequirements } from './requirements.ts';
import { checkRequired, standInForGuards, warnOfMissingGuards } from './shortfall.ts';
import { summarise } from './statistics-summary.ts';
import { containUncaught, type UncaughtHandlers } from './uncaught.ts';
import { verifies } from './verify.ts';

/** The generation that another one is to replace. */
export interface ReplacedHost {
  readonly host: PluginHost;
  /** The plugins whose modules are imported anew; all but the built-in ones where it is left out. */
  readonly names?: readonly string[];
}

/**
 * Finds, verifies, loads and supervises plugins. One instance is one generation of them on one bus: `load()` once, or
 * `loadFirst()` and then `loadRest()`, then `deactivate()` once.
 */
export class PluginHost {
  /** The bus that the parts of the gateway call. */
  readonly hooks: Hooks = createHooks();
  readonly #options: PluginHostOptions;
  readonly #attribution: Attribution<ManagedPlugin>;
  readonly #registry: Registry;
  readonly #incidents: Incidents;
  readonly #leftovers: Leftovers;
  readonly #importer: Importer;
  readonly #activation: Activation;
  /** The built-in plugins that are loaded after all others. */
  #postponed: readonly string[] = [];
  #rest: Promise<void> | null = null;
  /** What it is to take over from; null once it has, and for the first of a process. */
  #predecessor: Predecessor | null;
  #releaseExit: (() => void) | null = null;
  #endWatch: (() => Promise<void>) | null = null;
  #endPatches: (() => void) | null = null;

  /** @param before the generation this one is to replace, loaded; leave it out for the first of a process */
  constructor(options: PluginHostOptions, before?: ReplacedHost) {
    this.#options = options;
    this.#predecessor = before === undefined ? null : new Predecessor(before.host.loaded, before.names);
    const attribution = (this.#attribution = before === undefined ? new Attribution() : before.host.#attribution);
    const registry = (this.#registry = new Registry(
      () => attribution.ofCaller(),
      (error, plugin) => incidents.visitorFailed(error, plugin),
    ));
    const { logger, applyTimeout: limit = 5_000 } = options;
    const incidents = (this.#incidents = new Incidents({ logger, attribution, plugins: () => registry.managed }));
    this.#leftovers = new Leftovers(attribution, incidents);
    this.#importer = new Importer({
      options,
      registry,
      attribution,
      incidents,
      limit,
      refuse: (plugin, error) => this.#refuse(plugin, error, { hook: null, phase: 'load' }),
    });
    this.#activation = new Activation({
      options,
      bus: this.hooks,
      plugins: this.plugins,
      attribution,
      limit,
      report: (plugin, error, place) => incidents.report(plugin, error, place),
      breakerChanged: (plugin, hook, change) => incidents.breakerChanged(plugin, hook, change),
    });
  }

  /** The plugins as other plugins see them. */
  get plugins(): LoadedPlugins {
    return this.#registry.face;
  }

  /** Those that are loaded, in the order they were applied. */
  get loaded(): readonly ManagedPlugin[] {
    return this.#registry.managed.filter(({ state }) => state === 'loaded');
  }

  /** One for each plugin found or named in the config: the loaded ones in the order they were applied, then the others. */
  get reports(): readonly PluginReport[] {
    return this.#registry.managed.map((plugin) => plugin.report());
  }

  /** The order in which the taps of a hook, or of all that are tapped, are called, and why. */
  explain(hook?: HookName): readonly ExplainedHook[] {
    return explain(this.hooks, this.#registry.managed, hook);
  }

  /**
   * Loads every plugin that can be loaded and reports every other one.
   * @throws {GatewayDError} PLUGIN_REQUIRED_FAILED when a plugin is not loaded whose row says `required: true`; the
   * others are loaded all the same. Where it is to replace another generation, PLUGIN_NOT_RELOADED when a plugin is
   * not that was loaded there, or that was asked for by name
   */
  async load(): Promise<void> {
    await this.loadFirst();
    await this.loadRest();
    await this.#predecessor?.checkNothingLost(this.#registry.managed, this.#options);
  }

  /**
   * Loads all plugins that may have a part in the traffic: all but the built-in ones, and of those the ones that
   * another requires or whose row makes the gateway depend on them.
   * @throws {GatewayDError} PLUGIN_REQUIRED_FAILED, as `load`
   */
  async loadFirst(): Promise<void> {
    this.#postponed = this.#options.builtIns.filter((name) => !this.#isDependedOn(name));
    this.#releaseExit = guardExit(this.#attribution);
    this.#leftovers.start();
    try {
      await this.#addAll(await examine(this.#options, this.#postponed));
      this.#sayWhatIsUnverified();
      this.#watchForPatches();
      await this.#importer.importAll(this.#predecessor);
      await this.#importRequiredBuiltIns();
      await this.#applyAll();
      await this.#recordFirstUse();
    } finally {
      this.#leftovers.loaded();
    }
    standInForGuards(this.#registry.managed, this.hooks);
    if (this.#predecessor === null) warnOfMissingGuards(this.#registry.managed, this.#incidents);
    checkRequired(this.#registry.managed);
  }

  /**
   * Loads what `loadFirst` left, bit by bit: by then the servers may be at work. Reports what cannot be loaded; never
   * throws for it. Later calls wait for the first.
   */
  async loadRest(): Promise<void> {
    this.#rest ??= this.#loadRest();
    await this.#rest;
  }

  /** It has replaced the generation before it: puts on record what was loaded and reloaded. */
  async takeOver(): Promise<void> {
    const predecessor = this.#predecessor;
    this.#predecessor = null;
    if (predecessor === null) return;
    warnOfMissingGuards(this.#registry.managed, this.#incidents);
    for (const plugin of this.loaded) {
      await turn();
      this.#logLoaded(plugin, predecessor.versionOf(plugin.name));
    }
    predecessor.release();
  }

  /** Has in place what the first reload would otherwise hold the process for: some tenths of a second on Node 20. */
  prepareReload(): void {
    const isPrepared = ({ examined }: ManagedPlugin): boolean =>
      examined.state === 'found' && examined.importsOwnFiles && !examined.source.builtIn && !isElsewhere(examined);
    if (hooksTakeThread && this.loaded.some(isPrepared)) registerModuleHooks();
  }

  /** Has plugins named that hold the whole process, from now on until they are deactivated. */
  watch(): void {
    const { hangTimeout: limit = 0 } = this.#options;
    const guests = this.loaded.filter(({ examined, face }) => face.trust !== 'built-in' && !isElsewhere(examined));
    if (limit === 0 || guests.length === 0) return;
    this.#endWatch = watchForHangs({
      limit,
      roots: guests.map(({ name, face }) => ({ plugin: name, path: face.path })),
      hung: (hang) => this.#incidents.hung(hang),
      failed: (error) => {
        this.#incidents.warn(new GatewayDError(pluginErrors.PLUGIN_WATCHDOG_FAILED, { reason: messageOf(error) }), {});
      },
    });
  }

  /** Sets the level of the plugins' loggers, and of those that plugins made from them. */
  setLogLevel(level: string): void {
    for (const { loggers } of this.#registry.managed) loggers?.setLevel(level);
  }

  /**
   * Deactivates the loaded plugins in reverse order, the built-in ones last: telemetry is to learn of what fails in the
   * others. Each has its time limit. Never throws.
   * @param goOn names of plugins that the generation after it has, too: those are not said to be unloaded
   */
  async deactivate(goOn: ReadonlySet<string> = new Set()): Promise<void> {
    await this.#rest;
    const loaded = this.loaded.toReversed();
    for (const plugin of [...loaded.filter(({ builtIn }) => !builtIn), ...loaded.filter(({ builtIn }) => builtIn)]) {
      await turn();
      await this.#deactivate(plugin, goOn.has(plugin.name) || this.#predecessor !== null);
    }
    for (const plugin of this.#registry.managed) {
      if (plugin.examined.path !== null) this.#attribution.remove(plugin.examined.path, plugin);
    }
    this.#leftovers.stop();
    this.#endPatches?.();
    this.#endPatches = null;
    this.#releaseExit?.();
    this.#releaseExit = null;
    await this.#endWatch?.();
    this.#endWatch = null;
  }

  /**
   * Contains uncaught errors that are a plugin's from now on: its `hooks.error` gets them, with phase `async`. Any
   * other goes to `otherwise`.
   * @returns the function that ends it
   */
  containUncaught(
    otherwise: UncaughtHandlers['otherwise'],
    doomed: (
      error: unknown,
      from: { readonly plugin: string; readonly hook: string | null } | undefined,
    ) => void = () => {},
  ): () => void {
    const contain = (error: unknown): boolean => {
      const place = this.#attribution.placeOf(error);
      if (place) this.#incidents.report(place.owner, error, { hook: place.hook, phase: 'async' });
      place?.owner.misbehaviour?.uncaught();
      return place !== undefined;
    };
    return containUncaught({
      contain,
      otherwise,
      doomed: (error) => {
        const place = this.#attribution.placeOf(error);
        doomed(error, place && { plugin: place.owner.name, hook: place.hook });
      },
    });
  }

  /** Ends the process at once, whoever's code led here: `process.exit` throws where a plugin's did. */
  exit(code: number): never {
    exitUnguarded(code);
  }

  async #loadRest(): Promise<void> {
    const names = this.#postponed;
    if (names.length === 0) return;
    try {
      await this.#addAll(await examineBuiltIns(names, this.#options));
      for (const plugin of this.#registry.managed) plugin.late ||= plugin.builtIn && names.includes(plugin.name);
      await turn();
      await this.#importer.importAll(this.#predecessor);
      await turn();
      await this.#applyAll();
    } catch (error) {
      // Whatever it is: nothing depends on them.
      this.#options.logger.error({ plugins: names, err: error }, 'plugins that come with gatewayd are not loaded');
    }
  }

  async #addAll(found: readonly Examined[]): Promise<void> {
    for (const examined of this.#predecessor?.keep(found, this.#options.rows) ?? found) {
      await turn();
      this.#add(examined);
    }
  }

  /** Whether the gateway must not listen without it. */
  #isDependedOn(builtIn: string): boolean {
    const row = this.#options.rows.find(({ name }) => name === builtIn);
    return row?.required === true || row?.onError === 'refuse';
  }

  /** What a plugin requires is known once it was imported. */
  async #importRequiredBuiltIns(): Promise<void> {
    const required = this.#postponed.filter((name) =>
      this.#registry.managed.some(({ requires }) => requires.has(name)),
    );
    if (required.length === 0) return;
    this.#postponed = this.#postponed.filter((name) => !required.includes(name));
    await this.#addAll(await examineBuiltIns(required, this.#options));
    await this.#importer.importAll(this.#predecessor);
  }

  #add(examined: Examined): void {
    const { name, path } = examined;
    const { generation = 1, rows, logger } = this.#options;
    const rank = rows.findIndex((row) => row.name === name);
    const failures = new FailureLog(
      (error, tap) => this.#incidents.errorTapFailed(error, name, tap),
      () => this.#attribution.ofCaller(),
    );
    const throttle = new FailureThrottle((place, count) => {
      const fields = { plugin: name, generation, place, suppressed: count };
      logger.error(fields, 'more failures of a plugin than are told of one by one');
    });
    const plugin = new ManagedPlugin(examined, { rank: rank === -1 ? Infinity : rank, generation, failures, throttle });
    plugin.tag = this.#predecessor?.tagFor(examined, generation) ?? '';
    if (mayBeMoved(examined)) {
      plugin.misbehaviour = new Misbehaviour((reason) => this.#options.misbehaves?.(plugin, reason));
    }
    if (path !== null) this.#attribution.add(path, plugin, plugin.tag);
    this.#registry.add(plugin);
    if (plugin.error !== null) this.#incidents.report(plugin, plugin.error, { hook: null, phase: 'load' });
  }

  #watchForPatches(): void {
    const mayPatch = ({ examined }: ManagedPlugin): boolean =>
      examined.state === 'found' && !examined.source.builtIn && !isElsewhere(examined);
    if (!this.#registry.managed.some(mayPatch)) return;
    this.#endPatches = watchForPatches((patch) => this.#incidents.patched(patch, null, 'async'));
  }

  async #applyAll(): Promise<void> {
    const imported = this.#registry.managed.filter(({ state }) => state === 'found');
    const failed = new Set(this.#registry.managed.filter(({ state }) => state !== 'found').map(({ name }) => name));
    const { order, refused } = orderByRequirements(imported, failed, this.#options.version);
    this.#registry.order([...this.loaded, ...order]);
    for (const [plugin, error] of refused) this.#refuse(plugin, error, { hook: null, phase: 'load' });
    for (const plugin of order) {
      await turn();
      const started = performance.now();
      await this.#activation
        .apply(plugin)
        .catch((error: unknown) => this.#refuse(plugin, error, { hook: null, phase: 'apply' }));
      // Others may have had their turn meanwhile.
      const likely = isElsewhere(plugin.examined) ? null : plugin;
      if (!plugin.builtIn) checkForPatches((patch) => this.#incidents.patched(patch, likely, 'apply'));
      plugin.milliseconds = (plugin.milliseconds ?? 0) + performance.now() - started;
      if (plugin.state === 'loaded' && this.#predecessor === null) this.#logLoaded(plugin, null);
    }
  }

  async #deactivate(plugin: ManagedPlugin, goesOn: boolean): Promise<void> {
    const place: FailurePlace = { hook: null, phase: 'deactivate' };
    try {
      await this.#activation.deactivate(plugin);
    } catch (error) {
      this.#incidents.report(plugin, coded(plugin, error, place), place);
    }
    plugin.transition('unloaded');
    this.#leftovers.clear(plugin);
    plugin.throttle.flush();
    const { name, version, generation, face } = plugin;
    const statistics = summarise(face.statistics);
    const fields = { plugin: name, version, oldVersion: version, generation, ...(statistics && { statistics }) };
    if (!goesOn) this.#options.logger.info(fields, 'plugin unloaded');
  }

  #refuse(plugin: ManagedPlugin, error: unknown, place: FailurePlace): void {
    const failure = coded(plugin, error, place);
    plugin.fail(failure);
    this.#incidents.report(plugin, failure, place);
    plugin.module?.release?.();
    this.#leftovers.clear(plugin);
  }

  async #recordFirstUse(): Promise<void> {
    try {
      await recordFirstUse(this.#registry.managed, this.#options);
    } catch (error) {
      if (!(error instanceof GatewayDError)) throw error;
      this.#incidents.warn(error, {});
    }
  }

  #sayWhatIsUnverified(): void {
    const plugins = this.#registry.managed.filter(({ face }) => face.trust === 'unverified' && face.checksum !== '');
    if (verifies(this.#options) || plugins.length === 0) return;
    const names = plugins.map(({ name }) => name);
    this.#options.logger.warn({ plugins: names }, 'plugins are taken as they are: none is verified');
  }

  #logLoaded(plugin: ManagedPlugin, oldVersion: string | null): void {
    const { name, version, face, milliseconds } = plugin;
    const { checksum, trust } = face;
    this.#options.logger.info(
      { plugin: name, version, oldVersion, checksum, trust, milliseconds: Math.round(milliseconds ?? 0) },
      oldVersion === null ? 'plugin loaded' : 'plugin reloaded',
    );
  }
}

const mayBeMoved = (plugin: Examined): boolean =>
  plugin.row?.demote === true && plugin.source?.builtIn !== true && !isElsewhere(plugin);
