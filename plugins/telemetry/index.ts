import type { Host, Plugin } from '../../lib/index.ts';
import { telemetryConfigSchema } from '../../lib/telemetry/config-schema.ts';
import type { TelemetryConfig } from './config.ts';
import type { CrashReporter } from './crash-reporter.ts';
import type { ErrorReporter } from './error-reporter.ts';
import type { ErrorReporting } from './error-reporting.ts';

// This file is all of telemetry that is loaded before the servers listen: what sends (gRPC, protobuf, Sentry) is
// imported when there is something to send.

/** How many errors of the core are kept until they can be sent; the error hook of a plugin keeps as many. */
const rememberedErrors = 32;
/** What has not been sent by then is sent at the next start. */
const crashMilliseconds = 500;
/** Enough for an ingest that is near and well; nobody waits at exit for one that is not. */
const exitFlushMilliseconds = 40;

/**
 * What every generation of plugins shares while any of them lives: a reload must forget neither how much was sent this
 * minute nor for how long an ingest asked for quiet.
 */
class SharedReporting {
  /** Whether the servers listen: `startup` fires once a process, and not for a generation that comes later. */
  started = false;
  #users = 0;
  #reporting: ErrorReporting | null = null;

  /** For one more generation. */
  enter(): void {
    this.#users += 1;
  }

  /** Makes it when it is first asked for. */
  get(make: () => ErrorReporting): ErrorReporting {
    return (this.#reporting ??= make());
  }

  /** One generation less; with the last of them everything that is still under way ends. */
  leave(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#reporting?.end();
    this.#reporting = null;
    this.started = false;
  }
}

const shared = new SharedReporting();

/**
 * How long the usage report of this start may take: until no generation of plugins is left that would send one. A reload
 * in the moment of the start ends it only if it turns the report off.
 */
class ReportLife {
  #users = 0;
  #life = new AbortController();

  /** For one more generation; `leave` is to be called when it ends. */
  enter(): { readonly signal: AbortSignal; readonly leave: () => void } {
    if (this.#users === 0) this.#life = new AbortController();
    this.#users += 1;
    let isThere = true;
    const leave = (): void => {
      if (isThere) this.#users -= 1;
      isThere = false;
      if (this.#users === 0) this.#life.abort();
    };
    return { signal: this.#life.signal, leave };
  }
}

const reportLife = new ReportLife();

interface CoreError {
  readonly error: unknown;
  readonly fatal: boolean;
  readonly plugin: string | null;
  readonly hook: string | null;
}

/** Notices failures, and loads what reports them when the first is to be sent. */
class ErrorWatch {
  readonly #host: Host<TelemetryConfig>;
  readonly #early: CoreError[] = [];
  #failed = false;
  #closed = false;
  #opening: Promise<void> | null = null;
  #crashes: Promise<CrashReporter> | null = null;
  #crashReporter: CrashReporter | null = null;
  #reporting: ErrorReporting | null = null;
  #reporter: ErrorReporter | null = null;

  constructor(host: Host<TelemetryConfig>) {
    this.#host = host;
    shared.enter();
    // It may have been turned on by a reload.
    if (host.plugin.generation > 1) shared.started = true;
    // The reporter taps for itself and is told of all that went before: this is only to know when it is needed.
    host.plugins.each((plugin) => {
      const { to, sentryDsn } = plugin.errorReports;
      if (to !== 'none' && host.config.sentry.dsn + sentryDsn !== '')
        plugin.hooks.error.tap('telemetry', () => this.#noticed());
    });
    host.hooks.startup.tap('errors', () => {
      shared.started = true;
      if (this.#failed) void this.#open();
      void this.#sendKept();
    });
    // A crash is to be on the disk before any other plugin is told of it.
    host.hooks.hook.tapPromise({ name: 'core errors', stage: -1_000 }, async ({ name, data }) => {
      if (name === 'gatewayd.error') await this.#core(data as CoreError);
    });
  }

  /** Waits a moment for what is under way. */
  async close(): Promise<void> {
    await this.#reporting?.flush(exitFlushMilliseconds);
    if (!this.#closed) shared.leave();
    this.#closed = true;
  }

  #noticed(): void {
    this.#failed = true;
    if (shared.started && this.#opening === null) void this.#open();
  }

  async #core(core: CoreError): Promise<void> {
    if (core.fatal) return await this.#crash(core);
    if (this.#reporter === null) this.#remember(core);
    else this.#reporter.captureCore(core.error, false);
    this.#noticed();
  }

  async #crash(crash: CoreError): Promise<void> {
    const reporter = this.#crashReporter ?? (await this.#loadCrashes());
    const events = reporter.keep(crash);
    await this.#open();
    if (this.#reporting !== null) await reporter.deliver(events, this.#reporting, crashMilliseconds);
  }

  async #sendKept(): Promise<void> {
    try {
      const reporter = await this.#loadCrashes();
      await reporter.sendKept(async () => {
        await this.#open();
        return this.#reporting;
      });
    } catch (error) {
      this.#host.logger.debug({ err: error }, 'what earlier runs ended with cannot be reported');
    }
  }

  #loadCrashes(): Promise<CrashReporter> {
    this.#crashes ??= this.#makeCrashReporter();
    return this.#crashes;
  }

  async #makeCrashReporter(): Promise<CrashReporter> {
    const { openCrashReporter } = await import('./crash-reporter.ts');
    this.#crashReporter = openCrashReporter(this.#eventOptions());
    this.#host.logger.debug('a crash is kept on the disk until it has been sent');
    return this.#crashReporter;
  }

  #eventOptions() {
    const { config, hooks, plugins, version } = this.#host;
    const { dsn, environment, messages } = config.sentry;
    return { dsn, environment, messages, version, plugins, hookNames: new Set(Object.keys(hooks)) };
  }

  #remember(core: CoreError): void {
    this.#early.push(core);
    if (this.#early.length > rememberedErrors) this.#early.shift();
  }

  #open(): Promise<void> {
    this.#opening ??= this.#load().catch((error: unknown) => {
      this.#host.logger.debug({ err: error }, 'errors cannot be reported');
    });
    return this.#opening;
  }

  async #load(): Promise<void> {
    const [{ openErrorReporter }, { ErrorReporting: Reporting }] = await Promise.all([
      import('./error-reporter.ts'),
      import('./error-reporting.ts'),
    ]);
    const { logger } = this.#host;
    const failed = (error: unknown) => logger.debug({ err: error }, 'an error was not reported');
    const reporting = (this.#reporting = shared.get(() => new Reporting(failed)));
    this.#reporter = openErrorReporter({ ...this.#eventOptions(), reporting });
    for (const { error } of this.#early.splice(0)) this.#reporter.captureCore(error, false);
  }
}

function reportUsage(host: Host<TelemetryConfig>, life: AbortSignal): void {
  const { config, logger } = host;
  let unsaid = false;
  host.hooks.hook.tap('usage report', ({ name }) => {
    if (name === 'gatewayd.unsaid') unsaid = true;
  });
  host.hooks.startup.tap('usage report', (event) => {
    if (unsaid) return;
    void import('./usage-report.ts').then(({ sendUsageReport }) =>
      sendUsageReport({ source: event, to: config.usageReport, life, logger }),
    );
  });
}

const plugin: Plugin<TelemetryConfig> = {
  configSchema: telemetryConfigSchema,
  apply(host) {
    const { usageReport, sentry } = host.config;
    const life = usageReport.enabled ? reportLife.enter() : null;
    if (life !== null) reportUsage(host, life.signal);
    const watch = sentry.enabled ? new ErrorWatch(host) : null;
    return async () => {
      await watch?.close();
      life?.leave();
    };
  },
};

export default plugin;
