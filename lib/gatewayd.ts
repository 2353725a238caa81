import type { ControlServer } from './control/control-server.ts';
import type { FolderWatch } from './control/folder-watch.ts';
import { listenForCommands } from './gatewayd/commands.ts';
import { EmbeddedDatabases } from './gatewayd/embedded-databases.ts';
import type { GatewayDOptions } from './gatewayd/options.ts';
import { pluginHostOptions } from './gatewayd/plugin-host-options.ts';
import type { Reloaded, ReloadRequest } from './gatewayd/reload.ts';
import { Reloader } from './gatewayd/reloader.ts';
import type { Complete, Listening } from './gatewayd/started.ts';
import type { Explained, Status } from './gatewayd/status.ts';
import { telemetryOnceLoaded, telemetryTold } from './gatewayd/telemetry-told.ts';
import { watchPlugins } from './gatewayd/watch-plugins.ts';
import { emit, emitSeries, emitWaterfall } from './hooks/dispatch.ts';
import type { HookName } from './hooks/hooks.ts';
import { levelOf } from './logger/create-logger.ts';
import type { Logger } from './logger.ts';
import { Gateway } from './network/gateway.ts';
import { within } from './plugin/deadline.ts';
import type { PluginHost } from './plugin/host.ts';
import { statusOf } from './plugin/status.ts';
import type { TelemetryChoice } from './telemetry/choice.ts';
import { reportSchema } from './telemetry/report-fields.ts';
import { saveChoice, type SavedChoice } from './telemetry/saved-choice.ts';
import { version } from './version.ts';

/** How long plugins may hold `signal`, and then `shutdown`. */
const stopHookMilliseconds = 5_000;

/**
 * The composition root: starts the parts in order and closes them in reverse. The only file that knows them all.
 * One instance is one run: `start()`, `complete()`, `announce()`, each once, then `stop()` once.
 */
export class GatewayD {
  readonly #options: GatewayDOptions;
  readonly #logger: Logger;
  readonly #choice: TelemetryChoice;
  readonly #saved: SavedChoice;
  readonly #pluginsFolder: string;
  readonly #databases: EmbeddedDatabases;
  readonly #reloader: Reloader;
  #gateway: Gateway | undefined;
  #control: ControlServer | undefined;
  #watch: FolderWatch | undefined;
  /** Whether the plugins are loaded that are loaded before the servers listen; and the others. */
  #isLoaded = false;
  #isComplete = false;
  #stopped: Promise<void> | undefined;

  constructor(options: GatewayDOptions) {
    this.#options = options;
    this.#logger = options.logger;
    const { options: first, choice, saved } = pluginHostOptions(options);
    this.#choice = choice;
    this.#saved = saved;
    this.#pluginsFolder = first.directory;
    this.#databases = new EmbeddedDatabases(options.loaded.directory, options.logger);
    this.#reloader = new Reloader({ options, first, databases: this.#databases });
  }

  /** The plugins, for whoever asks which of them an error belongs to. */
  get host(): PluginHost {
    return this.#reloader.host;
  }

  /**
   * Loads the plugins that may have a part in the traffic, builds what the config asks for and listens; `complete()` is
   * to follow. What was started is stopped again when it throws: a plugin whose row says `required: true` that is not well, a
   * database of our own that does not start, an address that is taken.
   */
  async start(): Promise<Listening> {
    const begun = performance.now();
    try {
      const { config } = this.#options.loaded;
      // The database takes its second while the plugins load.
      this.#databases.begin(config.clients);
      await this.host.loadFirst();
      this.#isLoaded = true;
      const final = await emitWaterfall(this.host.hooks.configLoaded, config);
      if (final.loggers['default'] !== undefined) this.#reloader.setLogLevel(levelOf(final.loggers['default']));
      for (const [name, logger] of Object.entries(final.loggers)) {
        await emitSeries(this.host.hooks.newLogger, { name, config: logger });
      }
      const { clients, databases } = await this.#databases.place(final.clients);
      await this.#databases.stopUnused(final.clients);
      this.#gateway = new Gateway({
        config: { ...final, clients },
        generations: this.#reloader.generations,
        logger: this.#logger,
        directory: this.#options.loaded.directory,
      });
      await this.#gateway.listen();
      this.host.watch();
      this.#reloader.begin(this.#gateway);
      await this.#takeCommands(final.pluginHost.controlSocket);
      return {
        version,
        configFile: this.#options.loaded.configFile,
        devMode: this.#options.devMode,
        plugins: this.host.loaded.length,
        servers: this.#gateway.addresses,
        databases,
        telemetry: telemetryTold(this.#choice, config),
        milliseconds: Math.round(performance.now() - begun),
      };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Loads the plugins that nobody who connects has to wait for, the built-in ones; `announce()` is to follow. Never
   * throws: one that cannot be loaded is in the reports. May be called again.
   */
  async complete(): Promise<Complete> {
    await this.host.loadRest();
    this.#isComplete = true;
    const { loaded, environment } = this.#options;
    const { reports } = this.host;
    const facts = { choice: this.#choice, saved: this.#saved, reports, config: loaded.config, environment };
    return { reports, ...telemetryOnceLoaded(facts) };
  }

  /**
   * Fires `startup`, which nobody waits for. To be called once, when whoever runs this has said what is going to be
   * reported.
   * @param said whether that was possible: where it was not, nothing is reported
   */
  announce(said = true): void {
    if (!said) emit(this.host.hooks.hook, Object.freeze({ name: 'gatewayd.unsaid', data: null }));
    const plugins = Object.freeze([...this.host.plugins]);
    const { devMode } = this.#options;
    const event = { version, runtimeVersion: process.version, devMode, plugins };
    emit(this.host.hooks.startup, Object.freeze(event));
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
    return await this.#reloader.reload(request);
  }

  /** `reload` for whom nobody waits: the log says what kept it from being done. */
  async reloadAndLog(request: ReloadRequest = {}): Promise<boolean> {
    return await this.#reloader.reloadAndLog(request);
  }

  /** How it does just now. */
  status(): Status {
    const { current, all } = this.#reloader.generations;
    return {
      version,
      pid: process.pid,
      configFile: this.#options.loaded.configFile,
      devMode: this.#options.devMode,
      generation: current.number,
      generations: all.map(({ number, tenants }) => ({ number, sessions: tenants })),
      servers: this.#gateway?.addresses ?? [],
      plugins: statusOf(this.host, this.#reloader.demoted),
    };
  }

  /** The order in which the taps of a hook, or of all that are tapped, are called, and why. */
  explain(hook?: HookName): Explained {
    return { generation: this.#reloader.generations.current.number, hooks: this.host.explain(hook) };
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
    await this.#within(emitSeries(this.host.hooks.signal, { signal }), 'signal');
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
    // Who reports it may be still to be loaded.
    if (this.#isLoaded && !this.#isComplete) await this.complete();
    await emitSeries(this.host.hooks.hook, { name: 'gatewayd.error', data });
  }

  async #stop(): Promise<void> {
    const connections = this.#gateway?.sessions ?? 0;
    this.#watch?.close();
    const reloading = this.#reloader.close();
    const unreachable = this.#control?.close();
    await this.#gateway?.close();
    await this.#within(emitSeries(this.host.hooks.shutdown, { connections }), 'shutdown');
    await reloading;
    await unreachable;
    await this.#reloader.retired();
    await this.host.deactivate();
    await this.#databases.stop();
    this.#logger.info('stopped');
  }

  async #takeCommands(setting: string): Promise<void> {
    const { loaded, environment, devMode } = this.#options;
    this.#control = await listenForCommands(this, { loaded, setting, environment, logger: this.#logger });
    if (devMode) this.#watch = await watchPlugins(this.#pluginsFolder, this.#reloader, this.#logger);
  }

  /** Stopping has a limit of its own: the time limit of a tap is far longer than anybody waits for a process to end. */
  async #within(told: Promise<void>, hook: string): Promise<void> {
    const late = (): Error => new Error('late');
    await within(stopHookMilliseconds, told, late).catch(() => {
      const fields = { hook, milliseconds: stopHookMilliseconds };
      this.#logger.warn(fields, 'stopping goes on without the plugins that still hold this hook');
    });
  }
}
