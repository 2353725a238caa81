import { milliseconds } from './config/durations.ts';
import type { LoadedConfig } from './config/load.ts';
import { ControlServer } from './control/control-server.ts';
import { controlErrors } from './control/errors.ts';
import { FolderWatch } from './control/folder-watch.ts';
import { ReloadQueue } from './control/reload-queue.ts';
import { controlSocketPaths } from './control/socket-path.ts';
import { GatewayDError, messageOf } from './errors.ts';
import { EmbeddedDatabases } from './gatewayd/embedded-databases.ts';
import type { GatewayDOptions } from './gatewayd/options.ts';
import { pluginHostOptions } from './gatewayd/plugin-host-options.ts';
import { answerOf, type Reloaded, type ReloadRequest } from './gatewayd/reload.ts';
import type { Started } from './gatewayd/started.ts';
import type { Explained, Status } from './gatewayd/status.ts';
import { emit, emitSeries, emitWaterfall } from './hooks/dispatch.ts';
import { Generations } from './hooks/generation.ts';
import { hookCatalogue } from './hooks/catalogue.ts';
import type { HookName } from './hooks/hooks.ts';
import { levelOf } from './logger/create-logger.ts';
import type { Logger } from './logger.ts';
import { Gateway } from './network/gateway.ts';
import { within } from './plugin/deadline.ts';
import { PluginHost } from './plugin/host.ts';
import type { ManagedPlugin } from './plugin/managed-plugin.ts';
import { pluginErrors } from './plugin/errors.ts';
import { Relocations } from './plugin/relocations.ts';
import { statusOf } from './plugin/status.ts';
import { choiceOnceLoaded, errorRecipients, type TelemetryChoice } from './telemetry/choice.ts';
import { reportNotice } from './telemetry/notice.ts';
import { reportAddress } from './telemetry/report-address.ts';
import { reportSchema } from './telemetry/report-fields.ts';
import { saveChoice, type SavedChoice } from './telemetry/saved-choice.ts';
import { isTelemetryDebug } from './telemetry/send-openly.ts';
import { version } from './version.ts';

/** How long plugins may hold `signal`, and then `shutdown`. */
const stopHookMilliseconds = 5_000;

/**
 * The composition root: starts the parts in order and closes them in reverse. The only file that knows them all.
 * One instance is one run: `start()` once, `announce()` once, then `stop()` once.
 */
export class GatewayD {
  readonly #options: GatewayDOptions;
  readonly #logger: Logger;
  readonly #choice: TelemetryChoice;
  readonly #generations: Generations;
  readonly #reloads = new ReloadQueue((request) => this.#reload(request));
  /** Generations that sessions are still to leave. */
  readonly #retiring = new Set<Promise<void>>();
  readonly #saved: SavedChoice;
  readonly #pluginsFolder: string;
  readonly #databases: EmbeddedDatabases;
  #host: PluginHost;
  /** The configuration that is in force, before plugins changed it. */
  #loaded: LoadedConfig;
  #relocations = new Relocations();
  /** Why plugins were moved, by their names. */
  readonly #demoted = new Map<string, string>();
  /** Those that misbehaved before there was anything to reload. */
  readonly #misbehaved: (readonly [plugin: ManagedPlugin, reason: string])[] = [];
  /** Of the newest generation that was tried. */
  #newest = 1;
  #gateway: Gateway | undefined;
  #control: ControlServer | undefined;
  #watch: FolderWatch | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: GatewayDOptions) {
    this.#options = options;
    this.#logger = options.logger;
    const { options: hostOptions, choice, saved } = pluginHostOptions(options);
    this.#choice = choice;
    this.#saved = saved;
    this.#pluginsFolder = hostOptions.directory;
    this.#loaded = options.loaded;
    this.#databases = new EmbeddedDatabases(options.loaded.directory, options.logger);
    this.#host = new PluginHost({ ...hostOptions, misbehaves: this.#misbehaves });
    this.#generations = new Generations(this.#host.hooks);
  }

  /** The plugins, for whoever asks which of them an error belongs to. */
  get host(): PluginHost {
    return this.#host;
  }

  /**
   * Loads the plugins, builds what the config asks for and listens; `announce()` is to follow.
   * What was started is stopped again when it throws: a plugin whose row says `required: true` that is not well, a
   * database of our own that does not start, an address that is taken.
   */
  async start(): Promise<Started> {
    const begun = performance.now();
    try {
      const { config } = this.#options.loaded;
      // The database takes its second while the plugins load.
      this.#databases.begin(config.clients);
      await this.#host.load();
      const final = await emitWaterfall(this.#host.hooks.configLoaded, config);
      if (final.loggers['default'] !== undefined) this.#setLogLevel(levelOf(final.loggers['default']), this.#host);
      for (const [name, logger] of Object.entries(final.loggers)) {
        await emitSeries(this.#host.hooks.newLogger, { name, config: logger });
      }
      const { clients, databases } = await this.#databases.place(final.clients);
      await this.#databases.stopUnused(final.clients);
      this.#gateway = new Gateway({
        config: { ...final, clients },
        generations: this.#generations,
        logger: this.#logger,
        directory: this.#options.loaded.directory,
      });
      await this.#gateway.listen();
      await this.#listenForCommands(final.pluginHost.controlSocket);
      this.#host.watch();
      if (this.#options.devMode) await this.#watchPlugins();
      for (const [plugin, reason] of this.#misbehaved) void this.#demote(plugin, reason);
      return {
        version,
        configFile: this.#options.loaded.configFile,
        devMode: this.#options.devMode,
        reports: this.#host.reports,
        servers: this.#gateway.addresses,
        databases,
        ...this.#telemetry(),
        milliseconds: Math.round(performance.now() - begun),
      };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Fires `startup`, which nobody waits for. To be called once, when whoever runs this has said what is going to be
   * reported.
   * @param said whether that was possible: where it was not, nothing is reported
   */
  announce(said = true): void {
    if (!said) emit(this.#host.hooks.hook, Object.freeze({ name: 'gatewayd.unsaid', data: null }));
    const plugins = Object.freeze([...this.#host.plugins]);
    const { devMode } = this.#options;
    const event = { version, runtimeVersion: process.version, devMode, plugins };
    emit(this.#host.hooks.startup, Object.freeze(event));
  }

  /**
   * Reads the configuration and loads the plugins again, beside those there are, and goes over to them when all is
   * well: sessions move when nothing of theirs is in flight. One reload is made after the other; those asked for while
   * one is under way are made as one.
   * @throws what keeps it from being done; then everything goes on as it was. {GatewayDError} CONFIG_INVALID,
   * PLUGIN_NOT_RELOADED, PLUGIN_NOT_FOUND, PLUGIN_REQUIRED_FAILED, NETWORK_ADDRESS_IN_USE and others of the network's,
   * CONTROL_STOPPING
   */
  async reload(request: ReloadRequest = {}): Promise<Reloaded> {
    return await this.#reloads.ask(request);
  }

  /** `reload` for whom nobody waits: the log says what kept it from being done. */
  async reloadAndLog(request: ReloadRequest = {}): Promise<boolean> {
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

  /** How it does just now. */
  status(): Status {
    const { current, all } = this.#generations;
    return {
      version,
      pid: process.pid,
      configFile: this.#options.loaded.configFile,
      devMode: this.#options.devMode,
      generation: current.number,
      generations: all.map(({ number, tenants }) => ({ number, sessions: tenants })),
      servers: this.#gateway?.addresses ?? [],
      plugins: statusOf(this.#host, new Map([...this.#demoted].filter(([name]) => this.#relocations.has(name)))),
    };
  }

  /** Keeps in mind that the notice was given, so that it is not given at each start. Where that cannot be kept, it is. */
  async noticeGiven(): Promise<void> {
    if (this.#saved.state === 'unreadable') return;
    await saveChoice(this.#saved, { toldSchema: reportSchema.version }).catch((error: unknown) => {
      this.#logger.debug({ err: error }, 'that the notice was given could not be saved');
    });
  }

  /** Tells the plugins of a signal the process got, and waits for them a moment. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    await this.#within(emitSeries(this.#host.hooks.signal, { signal }), 'signal');
  }

  /** Stops accepting, lets sessions finish within their limit, deactivates the plugins in reverse. Later calls wait for the first. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  /**
   * Tells the plugins of an error that is not one of theirs, or that ends the process though it is; settles when they
   * have dealt with it.
   */
  async report(
    error: unknown,
    fatal: boolean,
    from?: { readonly plugin: string; readonly hook: string | null },
  ): Promise<void> {
    const data = { error, fatal, plugin: from?.plugin ?? null, hook: from?.hook ?? null };
    await emitSeries(this.#host.hooks.hook, { name: 'gatewayd.error', data });
  }

  async #stop(): Promise<void> {
    const connections = this.#gateway?.sessions ?? 0;
    this.#watch?.close();
    const reloading = this.#reloads.close();
    const unreachable = this.#control?.close();
    await this.#gateway?.close();
    await this.#within(emitSeries(this.#host.hooks.shutdown, { connections }), 'shutdown');
    await reloading;
    await unreachable;
    await Promise.all(this.#retiring);
    await this.#host.deactivate();
    await this.#databases.stop();
    this.#logger.info('stopped');
  }

  async #listenForCommands(setting: string): Promise<void> {
    const { loaded, environment } = this.#options;
    const { configFile, directory } = loaded;
    const paths = controlSocketPaths({ configFile, directory, setting, environment });
    if (paths.length === 0) return;
    this.#control = new ControlServer(
      {
        reload: async ({ plugins }) => answerOf(await this.reload(areNames(plugins) ? { plugins } : {})),
        status: () => this.status(),
        explain: ({ hook }): Explained => ({
          generation: this.#generations.current.number,
          hooks: this.#host.explain(isHookName(hook) ? hook : undefined),
        }),
      },
      this.#logger,
    );
    await this.#control.listen(paths);
  }

  /** Loads anew what changes. What could not be loaded is tried again with the next change. */
  async #watchPlugins(): Promise<void> {
    const changed = new Set<string>();
    this.#watch = new FolderWatch({
      folder: this.#pluginsFolder,
      changed: (entries) => {
        for (const entry of entries) changed.add(entry);
        const plugins = this.#host.loaded.filter(({ examined: { source } }) => changed.has(source?.entry ?? ''));
        const told = [...changed];
        this.#logger.info({ entries: told }, 'the plugins folder has changed');
        void this.reloadAndLog({ plugins: plugins.map(({ name }) => name) }).then((done) => {
          if (done) for (const entry of told) changed.delete(entry);
        });
      },
    });
    await this.#watch.start();
  }

  async #reload({ plugins, isolation = {} }: ReloadRequest): Promise<Reloaded> {
    const begun = performance.now();
    if (this.#gateway === undefined || this.#stopped !== undefined) throw stopping();
    const movesOnly = plugins?.every((name) => Object.hasOwn(isolation, name)) === true && plugins.length > 0;
    const loaded = (movesOnly ? undefined : await this.#options.reread?.()) ?? this.#loaded;
    const generation = ++this.#newest;
    const { options } = pluginHostOptions({ ...this.#options, loaded });
    const old = this.#host;
    const relocations = await this.#relocations.next(options.rows, old.loaded, isolation);
    const before = new Map(old.loaded.map((plugin) => [plugin.name, plugin.version]));
    const host = new PluginHost(
      { ...options, rows: relocations.applyTo(options.rows), generation, misbehaves: this.#misbehaves },
      { host: old, ...(plugins === undefined ? {} : { names: plugins }) },
    );
    try {
      await host.load();
      const final = await emitWaterfall(host.hooks.configLoaded, loaded.config);
      const { clients } = await this.#databases.place(final.clients);
      if (this.#stopped !== undefined) throw stopping();
      await this.#gateway.reconfigure({ ...final, clients }, host.hooks);
      if (final.loggers['default'] !== undefined) this.#setLogLevel(levelOf(final.loggers['default']), host);
      this.#loaded = loaded;
      this.#relocations = relocations;
      this.#replace(old, host, generation, milliseconds(final.pluginHost.reloadDrainTimeout));
    } catch (error) {
      await host.deactivate();
      throw error;
    }
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
      if (this.#stopped !== undefined) return;
      error = new GatewayDError(pluginErrors.PLUGIN_NOT_DEMOTED, { plugin, reason, obstacle: messageOf(cause) });
    }
    const { code, message, mend } = error;
    this.#logger.warn({ plugin, code, mend }, message);
  }

  #replace(old: PluginHost, host: PluginHost, generation: number, limit: number): void {
    this.#host = host;
    host.takeOver();
    host.watch();
    const goOn = new Set(host.loaded.map(({ name }) => name));
    const superseded = this.#generations.replace(host.hooks, generation);
    const timer = setTimeout(() => superseded.evict(), limit).unref();
    const retiring = superseded.left.then(() => {
      clearTimeout(timer);
      return old.deactivate(goOn);
    });
    this.#retiring.add(retiring);
    void retiring.then(() => this.#retiring.delete(retiring));
  }

  #telemetry(): Pick<Started, 'telemetry' | 'notice'> {
    const isTelemetry = ({ name }: { readonly name: string }) => name === 'telemetry';
    const choice = choiceOnceLoaded(this.#choice, this.#host.reports.find(isTelemetry));
    const rows = this.#options.loaded.config.plugins;
    const row = rows.find(isTelemetry);
    const address = reportAddress(row);
    const told = this.#saved.toldSchema;
    return {
      telemetry: { ...choice, usageReportAddress: address, errorsTo: errorRecipients({ row, rows }) },
      notice: isTelemetryDebug(this.#options.environment)
        ? null
        : reportNotice({ choice, schema: reportSchema, told, address }),
    };
  }

  /** Stopping has a limit of its own: the time limit of a tap is far longer than anybody waits for a process to end. */
  async #within(told: Promise<void>, hook: string): Promise<void> {
    const late = (): Error => new Error('late');
    await within(stopHookMilliseconds, told, late).catch(() => {
      const fields = { hook, milliseconds: stopHookMilliseconds };
      this.#logger.warn(fields, 'stopping goes on without the plugins that still hold this hook');
    });
  }

  #setLogLevel(level: string, host: PluginHost): void {
    this.#logger.level = level;
    host.setLogLevel(level);
  }
}

const areNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');

const isHookName = (value: unknown): value is HookName =>
  typeof value === 'string' && Object.hasOwn(hookCatalogue, value);

const stopping = (): GatewayDError => new GatewayDError(controlErrors.CONTROL_STOPPING);
