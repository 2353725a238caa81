import { GatewayDError, messageOf, type ErrorDefinition } from '../errors.ts';
import type { HookName } from '../hooks/hooks.ts';
import type { FailurePhase, LoadedPlugin, PluginFailure } from '../hooks/loaded-plugin.ts';
import type { Logger } from '../logger.ts';
import { within } from '../plugin/deadline.ts';
import { pluginErrors } from '../plugin/errors.ts';
import { checksumOf } from '../plugin/examine.ts';
import { limitsOf } from '../plugin/limits.ts';
import type { Loading } from '../plugin/loader.ts';
import type { Host } from '../plugin/plugin.ts';
import { Backoff } from './backoff.ts';
import type { ChannelReader } from './channel.ts';
import { cross, uncross } from './crossed.ts';
import { isolationErrors } from './errors.ts';
import { count, list, record, text } from './expected.ts';
import { GuestLink } from './guest-link.ts';
import { startProcess, startWorker, type Ending, type GuestPlace } from './guest-place.ts';
import { readLines } from './output-lines.ts';
import { ProxyTaps } from './proxy-taps.ts';
import type { ModuleRecord, PluginRecord } from './wire.ts';

/** Where a plugin runs that does not run in gatewayd itself. */
export type Isolation = 'worker' | 'process';

/** How guests are kept running. */
export interface IsolationOptions {
  readonly logger: Logger;
  /** Time limit of a tap, in milliseconds, where a plugin's row says nothing else. */
  readonly timeout: number;
  readonly startTimeout: number;
  readonly healthCheckPeriod: number;
  readonly reloadOnCrash: boolean;
}

/** One guest from its start to its end. */
interface Incarnation {
  readonly link: GuestLink;
  readonly place: GuestPlace;
  /** What is waited for, by the message that ends the wait. */
  readonly waits: Map<string, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>;
  readonly watched: Set<string>;
  /** Why it was ended, where gatewayd did it. */
  verdict: {
    readonly definition: ErrorDefinition;
    readonly values: Record<string, string | number>;
    phase: FailurePhase;
  } | null;
  /** It has applied the plugin, and nobody waits for it any more. */
  serving: boolean;
  over: boolean;
  /** That were under way when it ended. */
  calls: number;
}

/** What an answer to a step is, and what an unhappy one is called. */
const refusals: Readonly<Record<string, string>> = { notLoaded: 'loaded', notApplied: 'applied' };
const kept = 32;
/** Milliseconds that an end may take after the line was closed. */
const longestEnd = 1_000;

/**
 * Keeps one plugin's guest running: starts it, lets it load and apply, takes what it says, ends it when it hangs, and
 * starts it again when it died. To the rest of gatewayd the plugin stays where it is.
 */
export class Supervisor {
  readonly #loading: Loading;
  readonly #isolation: Isolation;
  readonly #options: IsolationOptions;
  readonly #backoff = new Backoff();
  readonly #taps: ProxyTaps;
  readonly #failures = new Map<string, PluginFailure[]>();
  readonly #faces = new Map<string, LoadedPlugin>();
  #host: Host | null = null;
  /** The guest that is being started, or that serves. */
  #incarnation: Incarnation | null = null;
  #lastDeath: GatewayDError | null = null;
  #restart: NodeJS.Timeout | null = null;
  #ended = false;

  constructor(loading: Loading, isolation: Isolation, options: IsolationOptions) {
    this.#loading = loading;
    this.#isolation = isolation;
    this.#options = options;
    this.#taps = new ProxyTaps(loading.ready.name);
  }

  /**
   * Starts a guest and lets it import the plugin.
   * @throws {GatewayDError} what kept it from that
   */
  async load(): Promise<ModuleRecord> {
    const { ready, milliseconds } = this.#loading;
    this.#checkConfig(ready.row?.config);
    const incarnation = this.#start();
    const { startTimeout } = this.#options;
    await within(startTimeout, this.#step(incarnation, 'ready'), () =>
      this.#error(isolationErrors.ISOLATION_START_TIMEOUT, { milliseconds: startTimeout }),
    );
    incarnation.link.post([
      'begin',
      {
        plugin: ready.name,
        path: ready.path,
        entryPoint: ready.manifest.entryPoint,
        version: ready.manifest.version,
        needsModuleHooks: ready.needsModuleHooks,
        // Whoever waits here is the one to say so: nothing in there can be relied on to.
        importTimeout: milliseconds * 2,
        logLevel: this.#options.logger.level,
      },
    ]);
    const module = await within(milliseconds, this.#step(incarnation, 'loaded'), () => {
      const values = { plugin: ready.name, milliseconds };
      return new GatewayDError(pluginErrors.PLUGIN_IMPORT_TIMEOUT, values);
    });
    return moduleRecord(module);
  }

  /** Lets the guest apply the plugin, whose taps are then taps of `host`. */
  async apply(host: Host): Promise<void> {
    const isFirst = this.#host === null;
    this.#host = host;
    const incarnation = this.#incarnation;
    if (incarnation === null)
      throw this.#lastDeath ?? this.#error(isolationErrors.ISOLATION_AWAY, { reason: 'it was ended' });
    // Before the first apply has ended, its taps are called already, as those of any plugin.
    if (isFirst) {
      this.#taps.serveWith(incarnation.link);
      host.plugins.each((plugin) => this.#introduce(plugin));
    }
    const applied = this.#step(incarnation, 'applied');
    incarnation.link.post([
      'apply',
      {
        version: host.version,
        config: host.config,
        plugins: this.#plugins(host),
        usedHooks: (Object.keys(host.hooks) as HookName[]).filter((name) => host.hooks[name].isUsed()),
      },
    ]);
    await applied;
    incarnation.serving = true;
    incarnation.link.watchHealth();
    this.#backoff.up();
    if (isFirst) this.#taps.ready();
  }

  /** @throws {GatewayDError} ISOLATION_CANNOT_CROSS where part of it could not be sent */
  #checkConfig(config: unknown): void {
    try {
      structuredClone(config);
    } catch (error) {
      const left: string[] = [];
      cross(config, (path, kind) => left.push(`${kind} in config${path === '' ? '' : `.${path}`}`));
      throw this.#error(isolationErrors.ISOLATION_CANNOT_CROSS, { what: left[0] ?? messageOf(error) });
    }
  }

  /** Tells the guest of what has become of the plugins. */
  pluginsChanged(): void {
    const host = this.#host;
    if (host === null) return;
    for (const plugin of this.#plugins(host)) this.#incarnation?.link.post(['plugin', plugin]);
  }

  /** Lets the guest deactivate the plugin, then ends it. @throws what the plugin threw */
  async deactivate(): Promise<void> {
    const incarnation = this.#incarnation;
    this.#ended = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    this.#taps.serveWith(null);
    if (incarnation === null) return;
    try {
      const deactivated = this.#step(incarnation, 'deactivated');
      incarnation.link.post(['deactivate']);
      const { milliseconds } = this.#loading;
      const error = await within(milliseconds, deactivated, () => {
        const values = { plugin: this.#loading.ready.name, milliseconds };
        return new GatewayDError(pluginErrors.PLUGIN_DEACTIVATE_TIMEOUT, values);
      });
      // eslint-disable-next-line typescript/only-throw-error -- whatever the plugin threw
      if (error !== null) throw uncross(error);
    } finally {
      await this.#end(incarnation);
    }
  }

  /** Ends the guest of a plugin that is not going to be loaded. */
  release(): void {
    this.#ended = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    this.#taps.serveWith(null);
    if (this.#incarnation !== null) void this.#end(this.#incarnation);
  }

  #start(): Incarnation {
    const { ready } = this.#loading;
    const reader: ChannelReader = {
      packet: (packet) => incarnation.link.take(packet),
      broken: (reason) => this.#condemn(incarnation, isolationErrors.ISOLATION_BAD_ANSWER, { reason }, 'crash'),
      closed: () => this.#lineClosed(incarnation),
    };
    const place = this.#startPlace(reader);
    const link = new GuestLink(
      place.channel,
      {
        message: (op, values) => this.#take(incarnation, op, values),
        broken: (reason) => reader.broken(reason),
        hangs: (milliseconds, phase) =>
          this.#condemn(incarnation, isolationErrors.ISOLATION_HANGS, { milliseconds }, phase),
        overloaded: (underWay) => {
          const error = this.#error(isolationErrors.ISOLATION_OVERLOADED, underWay);
          this.#loading.report(error, { hook: null, phase: 'health' });
        },
        unsent: (hook, error) => this.#unsent(hook, error),
        leftBehind: (event, path, kind) => {
          const what = `${kind} in data${path === '' ? '' : `.${path}`} of event ${event}`;
          this.#loading.report(this.#error(isolationErrors.ISOLATION_CANNOT_CROSS, { what }), {
            hook: 'hook',
            phase: 'hook',
          });
        },
      },
      { ...limitsOf(ready.name, ready.row, this.#options), healthCheckPeriod: this.#options.healthCheckPeriod },
    );
    const incarnation: Incarnation = {
      link,
      place,
      waits: new Map(),
      watched: new Set(),
      verdict: null,
      serving: false,
      over: false,
      calls: 0,
    };
    this.#incarnation = incarnation;
    this.#readOutput(place);
    void place.ended.then((ending) => this.#died(incarnation, ending));
    return incarnation;
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
      return start(options, reader);
    } catch (error) {
      throw this.#error(isolationErrors.ISOLATION_START_FAILED, { reason: messageOf(error) });
    }
  }

  get #memoryLimit(): number {
    return this.#loading.ready.row?.memoryLimit ?? 256;
  }

  #step(incarnation: Incarnation, name: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      incarnation.waits.set(name, { resolve, reject });
    });
  }

  #take(incarnation: Incarnation, op: string, values: readonly unknown[]): void {
    const [, first, second, third] = values;
    const host = this.#host;
    switch (op) {
      case 'ready':
      case 'loaded':
      case 'applied':
      case 'deactivated':
        incarnation.waits.get(op)?.resolve(first);
        return;
      case 'notLoaded':
      case 'notApplied':
        return incarnation.waits.get(refusals[op] ?? '')?.reject(uncross(first));
      case 'tap':
        if (host === null) throw new TypeError('a tap before apply');
        return this.#taps.add(host, {
          number: count(first),
          hook: text(second),
          name: text(third),
          stage: values[4] === null ? null : Number(values[4]),
          before: list(values[5]).map(text),
        });
      case 'report':
        return this.#loading.report(uncross(first), {
          hook: second === null ? null : text(second),
          phase: third === 'async' ? 'async' : 'reported',
        });
      case 'late':
        return this.#loading.report(uncross(second), { hook: first === null ? null : text(first), phase: 'hook' });
      case 'emit':
        return host?.emit(text(first), uncross(second));
      case 'watch':
        return this.#watch(incarnation, text(first));
      case 'exiting':
        // To clear a thread or a process away takes longer than anybody should wait for what it was asked.
        setTimeout(() => incarnation.place.kill(), longestEnd).unref();
        return this.#died(incarnation, { reason: `exit code ${count(first)}`, outOfMemory: false });
      case 'log':
        return this.#log(list(first).map(text), count(second));
      default:
        throw new TypeError(`a message called ${op.slice(0, 100)}`);
    }
  }

  /** It died, and its end will say how; or the plugin's own code closed the line. */
  #lineClosed(incarnation: Incarnation): void {
    if (incarnation.over) return;
    this.#cut(incarnation);
    setTimeout(() => {
      const values = { reason: 'it closed its line' };
      if (!incarnation.over) this.#condemn(incarnation, isolationErrors.ISOLATION_BAD_ANSWER, values, 'crash');
    }, longestEnd).unref();
  }

  /** Nothing goes to it any more, and nobody waits for it any more. */
  #cut(incarnation: Incarnation): void {
    if (this.#incarnation === incarnation) {
      this.#incarnation = null;
      this.#taps.serveWith(null);
    }
    incarnation.calls += incarnation.link.calls;
    incarnation.link.close(this.#ended ? null : this.#taps.away);
  }

  #condemn(
    incarnation: Incarnation,
    definition: ErrorDefinition,
    values: Record<string, string | number>,
    phase: FailurePhase,
  ): void {
    if (incarnation.over || incarnation.verdict !== null) return;
    incarnation.verdict = { definition, values, phase };
    incarnation.place.kill();
    // A thread that is in the middle of a system call ends when that does; nobody has to wait for it.
    this.#died(incarnation, { reason: '', outOfMemory: false });
  }

  #died(incarnation: Incarnation, { reason, outOfMemory }: Ending): void {
    if (incarnation.over) return;
    incarnation.over = true;
    this.#cut(incarnation);
    const { serving, calls, verdict, waits } = incarnation;
    const crash = outOfMemory
      ? { definition: isolationErrors.ISOLATION_OUT_OF_MEMORY, values: { limit: this.#memoryLimit } }
      : { definition: isolationErrors.ISOLATION_CRASHED, values: { reason } };
    const { definition, values, phase } = verdict ?? { ...crash, phase: 'crash' as const };
    const error = this.#error(definition, { ...values, calls, next: this.#next(serving) });
    if (this.#ended) return waits.get('deactivated')?.reject(error);
    this.#lastDeath = error;
    // Of one that is waited for, whoever waits reports.
    for (const { reject } of waits.values()) reject(error);
    if (!serving) return;
    this.#loading.report(error, { hook: null, phase });
    this.#restartLater();
  }

  #next(serving: boolean): string {
    if (!serving) return 'and it did not come up';
    return this.#options.reloadOnCrash ? 'and it is started again' : 'and it stays away, by `pluginHost.reloadOnCrash`';
  }

  #restartLater(): void {
    if (this.#ended || !this.#options.reloadOnCrash) return;
    const delay = this.#backoff.next();
    this.#restart = setTimeout(() => {
      this.#restart = null;
      void this.#startAgain();
    }, delay).unref();
  }

  async #startAgain(): Promise<void> {
    const { ready, milliseconds } = this.#loading;
    const { name: plugin } = ready;
    const started = performance.now();
    const host = this.#host as Host;
    try {
      await this.#checkUnchanged();
      await this.load();
      await this.#checkUnchanged();
      this.#taps.begin();
      await within(milliseconds, this.apply(host), () => {
        return new GatewayDError(pluginErrors.PLUGIN_APPLY_TIMEOUT, { plugin, milliseconds });
      });
    } catch (error) {
      const incarnation = this.#incarnation;
      if (incarnation !== null) await this.#end(incarnation);
      if (this.#ended) return;
      const isChanged = GatewayDError.is(error) && error.code === pluginErrors.PLUGIN_CHANGED_WHILE_LOADING.code;
      const values = {
        reason: messageOf(error),
        next: isChanged ? 'it stays away until it is reloaded' : 'another attempt follows',
      };
      const failed = new GatewayDError(
        isolationErrors.ISOLATION_RESTART_FAILED,
        { plugin, ...values },
        { cause: error },
      );
      this.#loading.report(failed, { hook: null, phase: 'crash' });
      if (!isChanged) this.#restartLater();
      return;
    }
    if (this.#ended) return;
    const { difference, passedOver } = this.#taps.serveWith(this.#incarnation?.link ?? null);
    const took = Math.round(performance.now() - started);
    this.#options.logger.info({ plugin, milliseconds: took, passedOver }, 'plugin started again');
    if (difference !== '') {
      this.#loading.report(this.#error(isolationErrors.ISOLATION_TAPS_DIFFER, { difference }), {
        hook: null,
        phase: 'apply',
      });
    }
  }

  /** What runs again must be what was trusted. */
  async #checkUnchanged(): Promise<void> {
    const { ready } = this.#loading;
    const actual = await checksumOf(ready.name, ready.source);
    if (actual === ready.checksum) return;
    const values = { plugin: ready.name, expected: ready.checksum, actual };
    throw new GatewayDError(pluginErrors.PLUGIN_CHANGED_WHILE_LOADING, values);
  }

  async #end(incarnation: Incarnation): Promise<void> {
    incarnation.over = true;
    if (this.#incarnation === incarnation) this.#incarnation = null;
    incarnation.link.close(this.#taps.away);
    incarnation.place.kill();
    await Promise.race([incarnation.place.ended, new Promise((later) => setTimeout(later, 1_000).unref())]);
  }

  #introduce(plugin: LoadedPlugin): void {
    this.#faces.set(plugin.name, plugin);
    this.pluginsChanged();
  }

  /** Every plugin there is; those that are loaded in the order they were. */
  #plugins(host: Host): readonly PluginRecord[] {
    const loaded = new Set(host.plugins);
    return [...new Set([...loaded, ...this.#faces.values(), host.plugin])].map((plugin) => {
      const { name, version, checksum, path, trust, private: isPrivate, errorReports, generation } = plugin;
      const facts = { name, version, checksum, path, trust, private: isPrivate, errorReports, generation };
      const { statistics, changes } = plugin;
      return { ...facts, statistics: new Map(statistics), changes, loaded: loaded.has(plugin) };
    });
  }

  #watch(incarnation: Incarnation, name: string): void {
    const face = this.#faces.get(name);
    if (face === undefined) return;
    incarnation.watched.add(name);
    const known = this.#failures.get(name);
    for (const failure of known ?? []) this.#pass(failure, incarnation);
    if (known !== undefined) return;
    const failures: PluginFailure[] = [];
    this.#failures.set(name, failures);
    face.hooks.error.tap(this.#loading.ready.name, (failure) => {
      failures.push(failure);
      if (failures.length > kept) failures.shift();
      const current = this.#incarnation;
      if (current?.watched.has(name) === true) this.#pass(failure, current);
    });
  }

  #pass({ error, ...failure }: PluginFailure, { link }: Incarnation): void {
    link.post(['failure', { ...failure, error: cross(error) }]);
  }

  #log(lines: readonly string[], leftOut: number): void {
    const logger = this.#host?.logger ?? this.#options.logger.child({ plugin: this.#loading.ready.name });
    for (const line of lines) {
      const { level, msg, ...fields } = record(JSON.parse(line));
      const method = logger.levels.labels[Number(level)];
      if (
        method === 'fatal' ||
        method === 'error' ||
        method === 'warn' ||
        method === 'info' ||
        method === 'debug' ||
        method === 'trace'
      ) {
        logger[method](fields, msg === undefined ? undefined : text(msg));
      }
    }
    if (leftOut > 0) logger.warn({ lines: leftOut }, 'left out lines that the plugin logged all at once');
  }

  #readOutput({ stdout, stderr }: GuestPlace): void {
    const logger = this.#options.logger.child({ plugin: this.#loading.ready.name });
    const leftOut = (stream: string) => (lines: number) =>
      logger.warn({ stream, lines }, 'left out lines that the plugin wrote too fast');
    readLines(stdout, { line: (line) => logger.info({ stream: 'stdout' }, line), leftOut: leftOut('stdout') });
    readLines(stderr, { line: (line) => logger.warn({ stream: 'stderr' }, line), leftOut: leftOut('stderr') });
  }

  #unsent(hook: HookName, error: unknown): void {
    const what = `the payload of ${hook}, ${messageOf(error)},`;
    this.#loading.report(this.#error(isolationErrors.ISOLATION_CANNOT_CROSS, { what }), { hook, phase: 'hook' });
  }

  #error(definition: ErrorDefinition, values: Record<string, string | number> = {}): GatewayDError {
    const place = this.#isolation === 'worker' ? 'thread' : 'process';
    return new GatewayDError(definition, { plugin: this.#loading.ready.name, place, ...values });
  }
}

function moduleRecord(given: unknown): ModuleRecord {
  const { version, requires, private: isPrivate, permissions } = record(given);
  if (!(requires instanceof Map)) throw new TypeError('requirements that are none');
  const entries = [...requires].map(([name, range]) => [text(name), text(range)] as const);
  return { version: text(version), requires: new Map(entries), private: isPrivate === true, permissions };
}
