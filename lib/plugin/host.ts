import { GatewayDError, messageOf, type ErrorDefinition } from '../errors.ts';
import type { BreakerChange } from '../hooks/circuit-breaker.ts';
import { createHooks, type HookName, type Hooks } from '../hooks/hooks.ts';
import type { FailurePhase, LoadedPlugins } from '../hooks/loaded-plugin.ts';
import { refuseWithout } from '../hooks/missing-guard.ts';
import { Activation } from './activation.ts';
import { Attribution } from './attribution.ts';
import { pluginErrors } from './errors.ts';
import { checksumOf, examine, isolationOf, type Examined, type Ready } from './examine.ts';
import { explain, type ExplainedHook } from './explain.ts';
import { exitUnguarded, guardExit } from './exit-guard.ts';
import { FailureLog } from './failure-log.ts';
import { coded, recordFailure, reportFailure, type FailurePlace } from './failure-reporter.ts';
import { FailureThrottle } from './failure-throttle.ts';
import { urlOfFunction } from './function-place.ts';
import type { Patch } from './global-guard.ts';
import { watchForHangs } from './hang-watch.ts';
import { inProcess, type Runner } from './loader.ts';
import { ListenerWatch } from './listener-watch.ts';
import { locate, notFound } from './locate.ts';
import { readLock, writeLock } from './lock-file.ts';
import { ManagedPlugin } from './managed-plugin.ts';
import { Misbehaviour } from './misbehaviour.ts';
import { registerModuleHooks } from './module-hooks.ts';
import { type ModuleTag, tagOf } from './module-tag.ts';
import type { PluginHostOptions } from './options.ts';
import { checkPermissions, notEnforced } from './permissions.ts';
import { Registry } from './registry.ts';
import { checkForPatches, watchForPatches } from './patch-watch.ts';
import type { PluginReport } from './report.ts';
import { orderByRequirements } from './requirements.ts';
import { summarise } from './statistics-summary.ts';
import { TimerWatch } from './timer-watch.ts';
import { lockEntry } from './trust.ts';
import type { Hang } from './watchdog.ts';
import { containUncaught, type UncaughtHandlers } from './uncaught.ts';
import { verifies } from './verify.ts';

/** The generation that another one is to replace. */
export interface ReplacedHost {
  readonly host: PluginHost;
  /** The plugins whose modules are imported anew; all but the built-in ones where it is left out. */
  readonly names?: readonly string[];
}

interface Before extends ReplacedHost {
  /** Those that were loaded. */
  readonly plugins: ReadonlyMap<string, ManagedPlugin>;
}

/**
 * Finds, verifies, loads and supervises plugins. One instance is one generation of them on one bus: `load()` once, then
 * `deactivate()` once.
 */
export class PluginHost {
  /** The bus that the parts of the gateway call. */
  readonly hooks: Hooks = createHooks();
  readonly #options: PluginHostOptions;
  readonly #limit: number;
  readonly #attribution: Attribution<ManagedPlugin>;
  readonly #timers: TimerWatch<ManagedPlugin>;
  readonly #listeners: ListenerWatch<ManagedPlugin>;
  readonly #registry: Registry;
  readonly #activation: Activation;
  /** What it is to take over from; null once it has, and for the first of a process. */
  #before: Before | null;
  #releaseExit: (() => void) | null = null;
  #endWatch: (() => Promise<void>) | null = null;
  #endPatches: (() => void) | null = null;

  /** @param before the generation this one is to replace, loaded; leave it out for the first of a process */
  constructor(options: PluginHostOptions, before?: ReplacedHost) {
    this.#options = options;
    this.#attribution = before === undefined ? new Attribution() : before.host.#attribution;
    this.#timers = new TimerWatch(this.#attribution);
    this.#listeners = new ListenerWatch(this.#attribution);
    this.#before =
      before === undefined
        ? null
        : { ...before, plugins: new Map(before.host.loaded.map((plugin) => [plugin.name, plugin])) };
    this.#limit = options.applyTimeout ?? 5_000;
    const whose = (): ManagedPlugin | undefined => this.#attribution.ofCaller();
    this.#registry = new Registry(whose, (error, plugin) => {
      const failed = new GatewayDError(pluginErrors.PLUGIN_VISITOR_FAILED, { plugin, reason: messageOf(error) });
      const owner = this.#attribution.ofError(error);
      if (owner) this.#report(owner, error, { hook: null, phase: 'reported' });
      else this.#warn(failed, { err: error });
    });
    this.#activation = new Activation({
      options,
      bus: this.hooks,
      plugins: this.plugins,
      attribution: this.#attribution,
      limit: this.#limit,
      report: (plugin, error, place) => this.#report(plugin, error, place),
      breakerChanged: (plugin, hook, change) => this.#breakerChanged(plugin, hook, change),
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
    this.#releaseExit = guardExit(this.#attribution);
    this.#timers.start();
    this.#listeners.start();
    try {
      for (const examined of await this.#examine()) this.#add(examined);
      this.#sayWhatIsUnverified();
      await this.#importAll();
      await this.#applyAll();
      await this.#recordFirstUse();
    } finally {
      this.#timers.stop();
    }
    this.#standInForGuards();
    this.#checkRequired();
    await this.#checkReload();
  }

  /** It has replaced the generation before it: puts on record what was loaded and reloaded. */
  takeOver(): void {
    const before = this.#before;
    this.#before = null;
    if (before === null) return;
    for (const plugin of this.#registry.managed) {
      if (plugin.state === 'loaded') this.#logLoaded(plugin, before.plugins.get(plugin.name)?.version ?? null);
    }
  }

  /** Has plugins named that hold the whole process, from now on until they are deactivated. */
  watch(): void {
    const { hangTimeout: limit = 0 } = this.#options;
    const guests = this.loaded.filter(({ examined, face }) => face.trust !== 'built-in' && !isElsewhere(examined));
    if (limit === 0 || guests.length === 0) return;
    this.#endWatch = watchForHangs({
      limit,
      roots: guests.map(({ name, face }) => ({ plugin: name, path: face.path })),
      hung: (hang) => this.#hung(hang),
      failed: (error) => {
        this.#warn(new GatewayDError(pluginErrors.PLUGIN_WATCHDOG_FAILED, { reason: messageOf(error) }), {});
      },
    });
  }

  /** Sets the level of the plugins' loggers, and of those that plugins made from them. */
  setLogLevel(level: string): void {
    for (const { loggers } of this.#registry.managed) loggers?.setLevel(level);
  }

  /**
   * Deactivates the loaded plugins in reverse order, each within its time limit. Never throws.
   * @param goOn names of plugins that the generation after it has, too: those are not said to be unloaded
   */
  async deactivate(goOn: ReadonlySet<string> = new Set()): Promise<void> {
    for (const plugin of this.#registry.managed.toReversed()) {
      if (plugin.state === 'loaded') await this.#deactivate(plugin, goOn.has(plugin.name) || this.#before !== null);
    }
    for (const plugin of this.#registry.managed) {
      if (plugin.examined.path !== null) this.#attribution.remove(plugin.examined.path, plugin);
    }
    this.#listeners.stop();
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
      if (place) this.#report(place.owner, error, { hook: place.hook, phase: 'async' });
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

  /** Those that go on with the module they have are not looked at again: only their rows may have changed. */
  async #examine(): Promise<readonly Examined[]> {
    const found = await examine(this.#options);
    const before = this.#before;
    if (before === null) return found;
    const kept = new Map<string, Examined>();
    for (const { name, examined } of before.plugins.values()) {
      const row = this.#options.rows.find((one) => one.name === name);
      const goesOn = { ...examined, row };
      if (!this.#isFresh(goesOn) && row?.enabled !== false) kept.set(name, goesOn);
    }
    return found.map((one) => (one.source === null || one.state === 'disabled' ? one : (kept.get(one.name) ?? one)));
  }

  /** Whether a plugin's module is imported anew: always in a thread or process of its own, which is a new one. */
  #isFresh(examined: Examined): boolean {
    const asked = this.#before?.names;
    // What comes with gatewayd cannot have changed.
    if (examined.source?.builtIn === true) return false;
    if (asked === undefined || asked.includes(examined.name) || isElsewhere(examined)) return true;
    const before = this.#before?.plugins.get(examined.name);
    // One that was elsewhere has no module here.
    return before !== undefined && isElsewhere(before.examined);
  }

  #tagFor(examined: Examined): ModuleTag {
    const { generation = 1 } = this.#options;
    if (this.#before === null || examined.source?.builtIn === true) return '';
    const old = this.#before.plugins.get(examined.name);
    return old === undefined || this.#isFresh(examined) ? tagOf(generation) : old.tag;
  }

  #add(examined: Examined): void {
    const { generation = 1 } = this.#options;
    const rank = this.#options.rows.findIndex((row) => row.name === examined.name);
    const whose = (): ManagedPlugin | undefined => this.#attribution.ofCaller();
    const failures = new FailureLog((error, tap) => {
      const values = { plugin: examined.name, tap, reason: messageOf(error) };
      this.#warn(new GatewayDError(pluginErrors.PLUGIN_ERROR_TAP_FAILED, values), {
        plugin: examined.name,
        err: error,
      });
    }, whose);
    const throttle = new FailureThrottle((place, count) => {
      const fields = { plugin: examined.name, generation, place, suppressed: count };
      this.#options.logger.error(fields, 'more failures of a plugin than are told of one by one');
    });
    const plugin = new ManagedPlugin(examined, { rank: rank === -1 ? Infinity : rank, generation, failures, throttle });
    plugin.tag = this.#tagFor(examined);
    if (mayBeMoved(examined)) {
      plugin.misbehaviour = new Misbehaviour((reason) => this.#options.misbehaves?.(plugin, reason));
    }
    if (examined.path !== null) this.#attribution.add(examined.path, plugin, plugin.tag);
    this.#registry.add(plugin);
    if (plugin.error !== null) this.#report(plugin, plugin.error, { hook: null, phase: 'load' });
  }

  /** All at once: what one waits for does not hold up the others. */
  async #importAll(): Promise<void> {
    const ready = this.#registry.managed.flatMap((plugin) =>
      plugin.examined.state === 'found' ? [{ plugin, ready: plugin.examined }] : [],
    );
    const here = ready.filter((one) => !isElsewhere(one.ready));
    if (this.#before !== null || here.some((one) => one.ready.needsModuleHooks)) registerModuleHooks();
    if (here.some((one) => !one.ready.source.builtIn)) {
      this.#endPatches = watchForPatches((patch) => this.#patched(patch, null, 'async'));
    }
    await Promise.all(ready.map((one) => this.#import(one.plugin, one.ready)));
  }

  async #import(plugin: ManagedPlugin, ready: Ready): Promise<void> {
    const started = performance.now();
    try {
      const runner = await this.#runnerFor(ready);
      plugin.module = await runner.load({
        ready,
        tag: plugin.tag,
        milliseconds: this.#limit,
        enter: (call) => this.#attribution.run(plugin, call),
        report: (error, place) => this.#report(plugin, error, place),
        watchPlugins: (changed) => this.#registry.watch(changed),
      });
      checkForPatches((patch) => this.#patched(patch, null, 'load'));
      checkPermissions(plugin.name, plugin.module.permissions, ready.row?.permissions);
      const isKept = runner === inProcess && this.#before?.plugins.get(plugin.name)?.tag === plugin.tag;
      // Who can write to what comes with gatewayd can write to gatewayd.
      if (!isKept && !ready.source.builtIn) await this.#compareAgain(plugin, ready);
    } catch (error) {
      this.#refuse(plugin, error, { hook: null, phase: 'load' });
    }
    plugin.milliseconds = performance.now() - started;
  }

  /** Where a plugin's code is to run. @throws {GatewayDError} PLUGIN_PERMISSION_MISSING, PLUGIN_ISOLATION_UNSUPPORTED */
  async #runnerFor({ name: plugin, row, source, manifest }: Ready): Promise<Runner> {
    const isolation = row?.isolation ?? 'none';
    checkPermissions(plugin, manifest.permissions, row?.permissions);
    const open = notEnforced(plugin, isolation, row?.permissions);
    if (open !== null) this.#warn(open, { plugin });
    if (source.builtIn) {
      const values = { plugin, isolation };
      if (isolation !== 'none')
        this.#warn(new GatewayDError(pluginErrors.PLUGIN_BUILT_IN_ISOLATION, values), { plugin });
      return inProcess;
    }
    const runner = await this.#options.runners?.(isolation);
    if (runner === undefined && isolation !== 'none') {
      throw new GatewayDError(pluginErrors.PLUGIN_ISOLATION_UNSUPPORTED, { plugin, isolation });
    }
    return runner ?? inProcess;
  }

  /** @throws {GatewayDError} PLUGIN_CHANGED_WHILE_LOADING */
  async #compareAgain({ name }: ManagedPlugin, ready: Ready): Promise<void> {
    const actual = await checksumOf(name, ready.source);
    if (actual === ready.checksum) return;
    const values = { plugin: name, expected: ready.checksum, actual };
    throw new GatewayDError(pluginErrors.PLUGIN_CHANGED_WHILE_LOADING, values);
  }

  async #applyAll(): Promise<void> {
    const imported = this.#registry.managed.filter(({ state }) => state === 'found');
    const failed = new Set(this.#registry.managed.filter(({ state }) => state !== 'found').map(({ name }) => name));
    const { order, refused } = orderByRequirements(imported, failed, this.#options.version);
    this.#registry.order(order);
    for (const [plugin, error] of refused) this.#refuse(plugin, error, { hook: null, phase: 'load' });
    for (const plugin of order) {
      const started = performance.now();
      await this.#activation
        .apply(plugin)
        .catch((error: unknown) => this.#refuse(plugin, error, { hook: null, phase: 'apply' }));
      checkForPatches((patch) => this.#patched(patch, plugin, 'apply'));
      plugin.milliseconds = (plugin.milliseconds ?? 0) + performance.now() - started;
      if (plugin.state === 'loaded' && this.#before === null) this.#logLoaded(plugin, null);
    }
  }

  async #deactivate(plugin: ManagedPlugin, goesOn: boolean): Promise<void> {
    try {
      await this.#activation.deactivate(plugin);
    } catch (error) {
      this.#report(plugin, coded(plugin, error, { hook: null, phase: 'deactivate' }), {
        hook: null,
        phase: 'deactivate',
      });
    }
    plugin.transition('unloaded');
    this.#clearLeftovers(plugin);
    plugin.throttle.flush();
    const { name, version, generation, face } = plugin;
    const statistics = summarise(face.statistics);
    const fields = { plugin: name, version, oldVersion: version, generation, ...(statistics && { statistics }) };
    if (!goesOn) this.#options.logger.info(fields, 'plugin unloaded');
  }

  #refuse(plugin: ManagedPlugin, error: unknown, place: FailurePlace): void {
    const failure = coded(plugin, error, place);
    plugin.fail(failure);
    this.#report(plugin, failure, place);
    plugin.module?.release?.();
    this.#clearLeftovers(plugin);
  }

  /** Stops and takes off what a plugin started and did not end, and names it. */
  #clearLeftovers(plugin: ManagedPlugin): void {
    this.#sayLeft(plugin, pluginErrors.PLUGIN_LEFT_TIMER, 'timer', this.#timers.clear(plugin));
    this.#sayLeft(plugin, pluginErrors.PLUGIN_LEFT_LISTENER, 'listener', this.#listeners.clear(plugin));
  }

  #sayLeft(plugin: ManagedPlugin, definition: ErrorDefinition, what: string, places: readonly string[]): void {
    if (places.length === 0) return;
    const count = places.length === 1 ? `a ${what}` : `${places.length} ${what}s`;
    const values = { plugin: plugin.name, count, where: [...new Set(places)].join(', ') };
    this.#warn(new GatewayDError(definition, values), { plugin: plugin.name });
  }

  async #recordFirstUse(): Promise<void> {
    const fresh = this.#registry.managed.flatMap(({ state, name, examined }) =>
      state === 'loaded' && examined.state === 'found' && examined.trust === 'first-use'
        ? [[name, lockEntry(this.#options, examined.path, examined.checksum)] as const]
        : [],
    );
    if (fresh.length === 0) return;
    const { lockFile } = this.#options;
    try {
      await writeLock(lockFile, new Map([...(await readLock(lockFile)), ...fresh]));
    } catch (error) {
      if (!(error instanceof GatewayDError)) throw error;
      this.#warn(error, {});
    }
  }

  /** A guard that is not there must not let anybody pass. */
  #standInForGuards(): void {
    for (const { name, examined, state } of this.#registry.managed) {
      if (state !== 'failed' || examined.row?.onError !== 'refuse') continue;
      refuseWithout(this.hooks, name);
      this.#warn(new GatewayDError(pluginErrors.PLUGIN_GUARD_MISSING, { plugin: name }), { plugin: name });
    }
  }

  #checkRequired(): void {
    const failed = this.#registry.managed.filter(
      ({ examined, state }) => examined.row?.required === true && state === 'failed',
    );
    if (failed.length === 0) return;
    const plugins = failed.map(({ name, error }) => `${name} (${error?.code ?? ''})`).join(', ');
    throw new GatewayDError(pluginErrors.PLUGIN_REQUIRED_FAILED, { plugins });
  }

  /** A generation that has lost a plugin replaces nothing. */
  async #checkReload(): Promise<void> {
    const before = this.#before;
    if (before === null) return;
    for (const name of before.names ?? []) {
      const known = this.#registry.managed.find((plugin) => plugin.name === name);
      // One that was loaded and is gone without a word in the config is unloaded.
      if (known === undefined && before.plugins.has(name)) continue;
      if (known === undefined) throw await notFound(name, await locate(this.#options), this.#options.directory);
      if (known.state !== 'disabled') continue;
      const values = { plugins: `${name} (it is turned off)`, mend: 'Set `enabled: true` in its row.' };
      throw new GatewayDError(pluginErrors.PLUGIN_NOT_RELOADED, values);
    }
    const lost = this.#registry.managed.filter(
      ({ name, state }) => state === 'failed' && (before.plugins.has(name) || before.names?.includes(name) === true),
    );
    if (lost.length === 0) return;
    const plugins = lost.map(({ name, error }) => `${name} (${error?.code ?? ''}: ${error?.message ?? ''})`).join('; ');
    const mend = [...new Set(lost.map(({ error }) => error?.mend ?? ''))].join(' ');
    throw new GatewayDError(pluginErrors.PLUGIN_NOT_RELOADED, { plugins, mend });
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

  #report(plugin: ManagedPlugin, error: unknown, place: FailurePlace): void {
    reportFailure(this.#options.logger, plugin, error, place);
  }

  /** One line in the log for each opening and closing of a breaker; an opening is a failure of the plugin, too. */
  #breakerChanged(plugin: ManagedPlugin, hook: HookName, change: BreakerChange): void {
    const { name, generation } = plugin;
    const { state, ...counts } = change;
    const fields = { plugin: name, generation, hook, ...counts };
    if (state === 'closed') {
      this.#options.logger.info(fields, 'plugin is back in the hook it was left out of');
      return;
    }
    const error = new GatewayDError(pluginErrors.PLUGIN_TAPS_PAUSED, { plugin: name, hook, ...counts });
    this.#warn(error, fields);
    recordFailure(plugin, error, { hook, phase: 'hook' });
    plugin.misbehaviour?.paused(hook);
  }

  #hung({ plugin: name, hook, stack, since }: Hang): boolean {
    const plugin = this.loaded.find((one) => one.name === name);
    if (plugin === undefined) return false;
    const cause = new Error('its stack while it did');
    cause.stack = [`Error: ${cause.message}`, ...stack.map((frame) => `    ${frame}`)].join('\n');
    const milliseconds = Math.round(Number(process.hrtime.bigint()) / 1e6 - since);
    const values = { plugin: name, milliseconds };
    const error = new GatewayDError(pluginErrors.PLUGIN_HUNG, values, stack.length > 0 ? { cause } : undefined);
    this.#report(plugin, error, { hook, phase: hook === null ? 'async' : 'hook' });
    plugin.misbehaviour?.hung(milliseconds);
    return true;
  }

  /** Whose code a function stands in. */
  #writerOf(value: unknown): ManagedPlugin | undefined {
    const url = urlOfFunction(value);
    return url === undefined ? undefined : this.#attribution.ofUrl(url);
  }

  /** @param likely the plugin whose code just ran; null where nobody knows */
  #patched(patch: Patch, likely: ManagedPlugin | null, phase: FailurePhase): void {
    const { what } = patch;
    const outcome = patch.restored ? 'it was put back' : 'it cannot be put back';
    const suspects = this.#registry.managed.filter(
      ({ examined, face }) => examined.state === 'found' && face.trust !== 'built-in',
    );
    const plugin = this.#writerOf(patch.by) ?? likely ?? (suspects.length === 1 ? suspects[0] : undefined);
    if (plugin !== undefined) {
      const error = new GatewayDError(pluginErrors.PLUGIN_PATCHED, { plugin: plugin.name, what, outcome });
      this.#report(plugin, error, { hook: null, phase });
      return;
    }
    const plugins = suspects.map(({ name }) => name).join(', ');
    this.#warn(new GatewayDError(pluginErrors.PLUGINS_PATCHED, { plugins, what, outcome }), {});
  }

  #warn({ code, message, mend }: GatewayDError, fields: object): void {
    const { logger } = this.#options;
    try {
      logger.warn({ ...fields, code, mend }, message);
    } catch {
      // What cannot be written is what a plugin threw.
      logger.warn({ code, mend }, message);
    }
  }
}

/** Whether it does not run in gatewayd itself. */
const isElsewhere = (plugin: Examined): boolean => isolationOf(plugin) !== 'none';

const mayBeMoved = (plugin: Examined): boolean =>
  plugin.row?.demote === true && plugin.source?.builtIn !== true && !isElsewhere(plugin);
