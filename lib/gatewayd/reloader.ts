import { milliseconds } from '../config/durations.ts';
import type { LoadedConfig } from '../config/load.ts';
import { controlErrors } from '../control/errors.ts';
import { ReloadQueue } from '../control/reload-queue.ts';
import { GatewayDError, messageOf } from '../errors.ts';
import { emitWaterfall } from '../hooks/dispatch.ts';
import { Generations } from '../hooks/generation.ts';
import { levelOf } from '../logger/create-logger.ts';
import type { Logger } from '../logger.ts';
import type { Gateway } from '../network/gateway.ts';
import { pluginErrors } from '../plugin/errors.ts';
import { PluginHost } from '../plugin/host.ts';
import type { ManagedPlugin } from '../plugin/managed-plugin.ts';
import type { PluginHostOptions } from '../plugin/options.ts';
import { Relocations } from '../plugin/relocations.ts';
import { restBetweenTurns, turn } from '../turn.ts';
import type { EmbeddedDatabases } from './embedded-databases.ts';
import type { GatewayDOptions } from './options.ts';
import { pluginHostOptions } from './plugin-host-options.ts';
import type { Reloaded, ReloadRequest } from './reload.ts';

/** Between two looks at whether there are any sessions, before it gets ready for the first reload. */
const quietMilliseconds = 1_000;

/** What a reloader is made from. */
export interface ReloaderOptions {
  readonly options: GatewayDOptions;
  /** What the first generation of plugins is hosted with. */
  readonly first: PluginHostOptions;
  readonly databases: EmbeddedDatabases;
}

/** The plugins that are in force, and the way from one generation of them to the next. */
export class Reloader {
  /** The generations that sessions are in. */
  readonly generations: Generations;
  readonly #options: GatewayDOptions;
  readonly #logger: Logger;
  readonly #databases: EmbeddedDatabases;
  readonly #queue = new ReloadQueue((request) => this.#reload(request));
  /** Generations that sessions are still to leave. */
  readonly #retiring = new Set<Promise<void>>();
  /** Why plugins were moved, by their names. */
  readonly #demoted = new Map<string, string>();
  /** Those that misbehaved before there was anything to reload. */
  readonly #misbehaved: (readonly [plugin: ManagedPlugin, reason: string])[] = [];
  #host: PluginHost;
  /** The configuration that is in force, before plugins changed it. */
  #loaded: LoadedConfig;
  #relocations = new Relocations();
  /** Of the newest generation that was tried. */
  #newest = 1;
  #gateway: Gateway | undefined;
  #closed = false;
  #preparing: NodeJS.Timeout | undefined;
  #endRests: (() => void) | undefined;

  constructor({ options, first, databases }: ReloaderOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#databases = databases;
    this.#loaded = options.loaded;
    this.#host = new PluginHost({ ...first, misbehaves: this.#misbehaves });
    this.generations = new Generations(this.#host.hooks);
  }

  /** Of the current generation. */
  get host(): PluginHost {
    return this.#host;
  }

  /** The plugins that were moved to a thread of their own, and still are there, with the reason. */
  get demoted(): ReadonlyMap<string, string> {
    return new Map([...this.#demoted].filter(([name]) => this.#relocations.has(name)));
  }

  /** Every server listens: reloads can be made from now on. */
  begin(gateway: Gateway): void {
    this.#gateway = gateway;
    this.#prepare(gateway);
    this.#endRests = restBetweenTurns();
    for (const [plugin, reason] of this.#misbehaved.splice(0)) void this.#demote(plugin, reason);
  }

  /** @throws what keeps it from being done; see `GatewayD.reload` */
  async reload(request: ReloadRequest): Promise<Reloaded> {
    return await this.#queue.ask(request);
  }

  /** `reload` for whom nobody waits: the log says what kept it from being done. */
  async reloadAndLog(request: ReloadRequest): Promise<boolean> {
    try {
      await this.reload(request);
      return true;
    } catch (error) {
      const { code, mend } = error instanceof GatewayDError ? error : { code: null, mend: null };
      if (code === controlErrors.CONTROL_STOPPING.code) return false;
      const fields = code === null ? { err: error } : { code, mend };
      this.#logger.error(fields, `not reloaded: ${messageOf(error)}`);
      return false;
    }
  }

  /** Refuses reloads from now on. Settles when the one under way is over. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#preparing);
    this.#endRests?.();
    await this.#queue.close();
  }

  /** Settles when the generations that were replaced are put away. */
  async retired(): Promise<void> {
    await Promise.all(this.#retiring);
  }

  /** Sets the level of gatewayd's logger and of the plugins'. */
  setLogLevel(level: string, host: PluginHost = this.#host): void {
    this.#logger.level = level;
    host.setLogLevel(level);
  }

  /** What takes long and is needed for a reload is done while there is nobody to wait for it. */
  #prepare(gateway: Gateway): void {
    this.#preparing = setTimeout(() => {
      if (gateway.sessions === 0) this.#host.prepareReload();
      else this.#prepare(gateway);
    }, quietMilliseconds).unref();
  }

  async #reload({ plugins, isolation = {} }: ReloadRequest): Promise<Reloaded> {
    const begun = performance.now();
    if (this.#gateway === undefined || this.#closed) throw stopping();
    await this.#host.loadRest();
    const movesOnly = plugins?.every((name) => Object.hasOwn(isolation, name)) === true && plugins.length > 0;
    const loaded = (movesOnly ? undefined : await this.#options.reread?.()) ?? this.#loaded;
    await turn();
    const generation = ++this.#newest;
    const { options } = pluginHostOptions({ ...this.#options, loaded });
    const old = this.#host;
    const relocations = await this.#relocations.next(options.rows, old.loaded, isolation);
    const before = new Map(old.loaded.map((plugin) => [plugin.name, plugin.version]));
    await turn();
    const host = new PluginHost(
      { ...options, rows: relocations.applyTo(options.rows), generation, misbehaves: this.#misbehaves },
      { host: old, ...(plugins === undefined ? {} : { names: plugins }) },
    );
    try {
      await host.load();
      await turn();
      const final = await emitWaterfall(host.hooks.configLoaded, loaded.config);
      await turn();
      const { clients } = await this.#databases.place(final.clients);
      if (this.#closed) throw stopping();
      await this.#gateway.reconfigure({ ...final, clients }, host.hooks);
      if (final.loggers['default'] !== undefined) this.setLogLevel(levelOf(final.loggers['default']), host);
      this.#loaded = loaded;
      this.#relocations = relocations;
      this.#replace(old, host, generation, milliseconds(final.pluginHost.reloadDrainTimeout));
    } catch (error) {
      await host.deactivate();
      throw error;
    }
    await host.takeOver();
    const took = Math.round(performance.now() - begun);
    this.#logger.info({ generation, milliseconds: took }, 'reloaded');
    return {
      generation,
      reports: host.reports,
      before,
      servers: this.#gateway.addresses,
      milliseconds: took,
    };
  }

  readonly #misbehaves = (plugin: ManagedPlugin, reason: string): void => {
    if (this.#gateway === undefined) this.#misbehaved.push([plugin, reason]);
    else void this.#demote(plugin, reason);
  };

  /** Moves a plugin to a thread of its own. */
  async #demote(misbehaved: ManagedPlugin, reason: string): Promise<void> {
    const { name: plugin } = misbehaved;
    // What a former generation of it still does says nothing of this one.
    if (!this.#host.loaded.includes(misbehaved)) return;
    let error: GatewayDError;
    try {
      await this.reload({ plugins: [plugin], isolation: { [plugin]: 'worker' } });
      this.#demoted.set(plugin, reason);
      error = new GatewayDError(pluginErrors.PLUGIN_DEMOTED, { plugin, reason });
    } catch (cause) {
      if (this.#closed) return;
      error = new GatewayDError(pluginErrors.PLUGIN_NOT_DEMOTED, { plugin, reason, obstacle: messageOf(cause) });
    }
    const { code, message, mend } = error;
    this.#logger.warn({ plugin, code, mend }, message);
  }

  #replace(old: PluginHost, host: PluginHost, generation: number, limit: number): void {
    this.#host = host;
    host.watch();
    const goOn = new Set(host.loaded.map(({ name }) => name));
    const superseded = this.generations.replace(host.hooks, generation);
    const timer = setTimeout(() => superseded.evict(), limit).unref();
    const retiring = superseded.left.then(() => {
      clearTimeout(timer);
      return old.deactivate(goOn);
    });
    this.#retiring.add(retiring);
    void retiring.then(() => this.#retiring.delete(retiring));
  }
}

const stopping = (): GatewayDError => new GatewayDError(controlErrors.CONTROL_STOPPING);
