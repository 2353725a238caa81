import { GatewayDError, messageOf } from '../errors.ts';
import { within } from '../plugin/deadline.ts';
import { pluginErrors } from '../plugin/errors.ts';
import { limitsOf } from '../plugin/limits.ts';
import type { Loading } from '../plugin/loader.ts';
import type { Host } from '../plugin/plugin.ts';
import type { ChannelReader } from './channel.ts';
import { checkCrossable } from './check-crossable.ts';
import { checkUnchanged } from './check-unchanged.ts';
import { isolationErrors } from './errors.ts';
import { guestErrorOf, type GuestError } from './guest-error.ts';
import { logOutput } from './guest-log.ts';
import { takeMessage } from './guest-messages.ts';
import { startProcess, startWorker, type GuestPlace } from './guest-place.ts';
import { Handshake } from './handshake.ts';
import { Incarnation } from './incarnation.ts';
import type { Isolation, IsolationOptions } from './isolation-options.ts';
import { linkReports } from './link-reports.ts';
import { Neighbours } from './neighbours.ts';
import { ProxyTaps } from './proxy-taps.ts';
import { Restarts } from './restarts.ts';
import { sequelOf, type Verdict } from './verdict.ts';
import type { ModuleRecord } from './wire.ts';

/**
 * Keeps one plugin's guest running: starts it, lets it load and apply, takes what it says, ends it when it hangs, and
 * starts it again when it died. To the rest of gatewayd the plugin stays where it is.
 */
export class Supervisor {
  readonly #loading: Loading;
  readonly #isolation: Isolation;
  readonly #options: IsolationOptions;
  readonly #error: GuestError;
  readonly #taps: ProxyTaps;
  readonly #handshake: Handshake;
  readonly #neighbours: Neighbours;
  readonly #restarts = new Restarts(() => this.#startAgain());
  #host: Host | null = null;
  /** The guest that is being started, or that serves. */
  #incarnation: Incarnation | null = null;
  #lastDeath: GatewayDError | null = null;
  #ended = false;

  constructor(loading: Loading, isolation: Isolation, options: IsolationOptions) {
    const { name } = loading.ready;
    this.#loading = loading;
    this.#isolation = isolation;
    this.#options = options;
    this.#error = guestErrorOf(name, isolation);
    this.#taps = new ProxyTaps(name);
    this.#handshake = new Handshake(loading, options, this.#error);
    this.#neighbours = new Neighbours(name, () => this.#incarnation);
  }

  /**
   * Starts a guest and lets it import the plugin.
   * @throws {GatewayDError} what kept it from that
   */
  async load(): Promise<ModuleRecord> {
    checkCrossable(this.#loading.ready.row?.config, this.#error);
    return await this.#handshake.load(this.#start());
  }

  /** Lets the guest apply the plugin, whose taps are then taps of `host`. */
  async apply(host: Host): Promise<void> {
    const isFirst = this.#host === null;
    this.#host = host;
    const guest = this.#incarnation;
    if (guest === null)
      throw this.#lastDeath ?? this.#error(isolationErrors.ISOLATION_AWAY, { reason: 'it was ended' });
    // Before the first apply has ended, its taps are called already, as those of any plugin.
    if (isFirst) {
      this.#taps.serveWith(guest.link);
      this.#neighbours.meet(host);
    }
    await this.#handshake.apply(guest, host, this.#neighbours.records(host));
    if (!guest.over) {
      guest.link.watchHealth();
      this.#restarts.up();
    }
    if (isFirst) this.#taps.ready();
  }

  /** Tells the guest of what has become of the plugins. */
  pluginsChanged(): void {
    if (this.#host !== null) this.#neighbours.changed(this.#host);
  }

  /** Lets the guest deactivate the plugin, then ends it. @throws what the plugin threw */
  async deactivate(): Promise<void> {
    const guest = this.#incarnation;
    this.#stop();
    if (guest === null) return;
    try {
      await this.#handshake.deactivate(guest);
    } finally {
      await this.#end(guest);
    }
  }

  /** Ends the guest of a plugin that is not going to be loaded. */
  release(): void {
    this.#stop();
    if (this.#incarnation !== null) void this.#end(this.#incarnation);
  }

  #stop(): void {
    this.#ended = true;
    this.#restarts.stop();
    this.#taps.serveWith(null);
  }

  #start(): Incarnation {
    const { ready, report } = this.#loading;
    const guest: Incarnation = new Incarnation(
      (reader) => this.#startPlace(reader),
      {
        ...linkReports(report, this.#error),
        message: (op, values) => this.#take(guest, op, values),
        cut: () => {
          this.#forget(guest);
          return this.#ended ? null : this.#taps.away;
        },
        died: (verdict) => this.#died(guest, verdict),
      },
      {
        ...limitsOf(ready.name, ready.row, this.#options),
        healthCheckPeriod: this.#options.healthCheckPeriod,
        memory: this.#memoryLimit,
      },
    );
    this.#incarnation = guest;
    return guest;
  }

  #startPlace(reader: ChannelReader): GuestPlace {
    const { ready } = this.#loading;
    const start = this.#isolation === 'worker' ? startWorker : startProcess;
    const options = {
      plugin: ready.name,
      path: ready.path,
      isFolder: ready.source.kind === 'folder',
      needsModuleHooks: ready.needsModuleHooks,
      memoryLimit: this.#memoryLimit,
      permissions: ready.row?.permissions,
    };
    try {
      const place = start(options, reader);
      logOutput(this.#options.logger.child({ plugin: ready.name }), place);
      return place;
    } catch (error) {
      throw this.#error(isolationErrors.ISOLATION_START_FAILED, { reason: messageOf(error) });
    }
  }

  get #memoryLimit(): number {
    return this.#loading.ready.row?.memoryLimit ?? 256;
  }

  #take(guest: Incarnation, op: string, values: readonly unknown[]): void {
    const { ready, report } = this.#loading;
    takeMessage(op, values, {
      guest,
      host: this.#host,
      taps: this.#taps,
      logger: this.#host?.logger ?? this.#options.logger.child({ plugin: ready.name }),
      report,
      watch: (plugin) => this.#neighbours.watch(guest, plugin),
    });
  }

  #forget(guest: Incarnation): void {
    if (this.#incarnation !== guest) return;
    this.#incarnation = null;
    this.#taps.serveWith(null);
  }

  #died(guest: Incarnation, { definition, values, phase }: Verdict): void {
    const { calls, hook, serving } = guest;
    const next = sequelOf(serving, this.#options.reloadOnCrash);
    const error = this.#error(definition, { ...values, calls, next });
    if (this.#ended) return guest.failed('deactivated', error);
    this.#lastDeath = error;
    // Of one that is waited for, whoever waits reports.
    guest.failAll(error);
    if (!serving) return;
    this.#loading.report(error, { hook, phase });
    this.#restartLater();
  }

  #restartLater(): void {
    if (!this.#ended && this.#options.reloadOnCrash) this.#restarts.later();
  }

  async #startAgain(): Promise<void> {
    const started = performance.now();
    try {
      await this.#loadAgain(this.#host as Host);
    } catch (error) {
      if (this.#incarnation !== null) await this.#end(this.#incarnation);
      if (!this.#ended) this.#notStarted(error);
      return;
    }
    // It may have died as soon as it had applied, and then its next start is under way.
    if (this.#ended || this.#incarnation === null) return;
    this.#startedAgain(Math.round(performance.now() - started));
  }

  async #loadAgain(host: Host): Promise<void> {
    const { ready, milliseconds } = this.#loading;
    await checkUnchanged(ready);
    await this.load();
    await checkUnchanged(ready);
    this.#taps.begin();
    await within(milliseconds, this.apply(host), () => {
      return new GatewayDError(pluginErrors.PLUGIN_APPLY_TIMEOUT, { plugin: ready.name, milliseconds });
    });
  }

  #startedAgain(milliseconds: number): void {
    const { ready, report } = this.#loading;
    const { difference, passedOver } = this.#taps.serveWith(this.#incarnation?.link ?? null);
    this.#options.logger.info({ plugin: ready.name, milliseconds, passedOver }, 'plugin started again');
    if (difference === '') return;
    report(this.#error(isolationErrors.ISOLATION_TAPS_DIFFER, { difference }), { hook: null, phase: 'apply' });
  }

  #notStarted(reason: unknown): void {
    const { ready, report } = this.#loading;
    const isChanged = GatewayDError.is(reason) && reason.code === pluginErrors.PLUGIN_CHANGED_WHILE_LOADING.code;
    const values = {
      plugin: ready.name,
      reason: messageOf(reason),
      next: isChanged ? 'it stays away until it is reloaded' : 'another attempt follows',
    };
    const error = new GatewayDError(isolationErrors.ISOLATION_RESTART_FAILED, values, { cause: reason });
    report(error, { hook: null, phase: 'crash' });
    if (!isChanged) this.#restartLater();
  }

  async #end(guest: Incarnation): Promise<void> {
    if (this.#incarnation === guest) this.#incarnation = null;
    await guest.end(this.#taps.away);
  }
}
