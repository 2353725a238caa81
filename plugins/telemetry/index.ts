import type { Host, Plugin } from '../../lib/index.ts';
import { telemetryConfigSchema } from '../../lib/telemetry/config-schema.ts';
import type { TelemetryConfig } from './config.ts';
import type { ErrorReporter } from './error-reporter.ts';

// This file is all of telemetry that is loaded before the servers listen: what sends (gRPC, protobuf, Sentry) is
// imported when there is something to send.

/** How many errors of the core are kept until they can be sent; the error hook of a plugin keeps as many. */
const rememberedErrors = 32;
const fatalFlushMilliseconds = 500;
/** Enough for an ingest that is near and well; nobody waits at exit for one that is not. */
const exitFlushMilliseconds = 40;

interface CoreError {
  readonly error: unknown;
  readonly fatal: boolean;
}

/** Notices failures, and loads what reports them when the first is to be sent. */
class ErrorWatch {
  readonly #host: Host<TelemetryConfig>;
  readonly #life: AbortSignal;
  readonly #early: CoreError[] = [];
  #started = false;
  #failed = false;
  #opening: Promise<void> | null = null;
  #reporter: ErrorReporter | null = null;

  constructor(host: Host<TelemetryConfig>, life: AbortSignal) {
    this.#host = host;
    this.#life = life;
    // The reporter taps for itself and is told of all that went before: this is only to know when it is needed.
    host.plugins.each((plugin) => plugin.hooks.error.tap('telemetry', () => this.#noticed()));
    host.hooks.startup.tap('errors', () => {
      this.#started = true;
      if (this.#failed) void this.#open();
    });
    host.hooks.hook.tapPromise('core errors', async ({ name, data }) => {
      if (name === 'gatewayd.error') await this.#core(data as CoreError);
    });
  }

  /** Waits a moment for what is under way. */
  async close(): Promise<void> {
    await this.#reporter?.flush(exitFlushMilliseconds);
  }

  #noticed(): void {
    this.#failed = true;
    if (this.#started && this.#opening === null) void this.#open();
  }

  async #core({ error, fatal }: CoreError): Promise<void> {
    if (this.#reporter === null) this.#remember({ error, fatal });
    else this.#reporter.captureCore(error, fatal);
    this.#noticed();
    if (!fatal) return;
    await this.#open();
    await this.#reporter?.flush(fatalFlushMilliseconds);
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
    const { openErrorReporter } = await import('./error-reporter.ts');
    const { config, logger, plugins, version } = this.#host;
    const { dsn, environment, messages } = config.sentry;
    const failed = (error: unknown) => logger.debug({ err: error }, 'an error was not reported');
    this.#reporter = openErrorReporter({ dsn, environment, messages, version, plugins, life: this.#life, failed });
    for (const { error, fatal } of this.#early.splice(0)) this.#reporter.captureCore(error, fatal);
  }
}

function reportUsage(host: Host<TelemetryConfig>, life: AbortSignal): void {
  const { config, logger } = host;
  host.hooks.startup.tap('usage report', (event) => {
    void import('./usage-report.ts').then(({ sendUsageReport }) =>
      sendUsageReport({ source: event, to: config.usageReport, life, logger }),
    );
  });
}

const plugin: Plugin<TelemetryConfig> = {
  configSchema: telemetryConfigSchema,
  apply(host) {
    const { usageReport, sentry } = host.config;
    const life = new AbortController();
    if (usageReport.enabled) reportUsage(host, life.signal);
    const watch = sentry.enabled && sentry.dsn !== '' ? new ErrorWatch(host, life.signal) : null;
    return async () => {
      await watch?.close();
      life.abort();
    };
  },
};

export default plugin;
