import { setTimeout as delay } from 'node:timers/promises';
import type { LoadedPlugin, LoadedPlugins } from '../../lib/index.ts';
import { telemetryPlaces } from '../../lib/telemetry/places.ts';
import { isTelemetryDebug } from '../../lib/telemetry/send-openly.ts';
import { type Crash, type CrashEvent, crashesToSend, keepCrash } from './crashes.ts';
import { CrashFiles } from './crash-files.ts';
import type { EventOptions } from './error-event.ts';
import type { ErrorReporting } from './error-reporting.ts';

/** What crashes are kept and sent with. */
export interface CrashReporterOptions extends Omit<EventOptions, 'plugins'> {
  readonly files: CrashFiles;
  /** The project of whoever runs gatewayd; empty for none. */
  readonly dsn: string;
  readonly plugins: Pick<LoadedPlugins, 'each'>;
}

/**
 * Keeps what ends the process until it has been sent, by this run or by the next. Nothing of Sentry is needed to keep
 * it: there is no time to load anything then.
 */
export class CrashReporter {
  readonly #options: CrashReporterOptions;
  readonly #plugins: LoadedPlugin[] = [];
  /** The files of this run. */
  readonly #own = new Set<string>();

  constructor(options: CrashReporterOptions) {
    this.#options = options;
    options.plugins.each((plugin) => this.#plugins.push(plugin));
  }

  /** Before it returns, the crash is on the disk, where there is one that can be written to. */
  keep(crash: Crash): readonly CrashEvent[] {
    const { files, dsn } = this.#options;
    // What would only be printed is not to be sent by a later start.
    const places = isTelemetryDebug(process.env) ? new CrashFiles(null) : files;
    const events = keepCrash(crash, { files: places, dsn, events: { ...this.#options, plugins: this.#plugins } });
    for (const { kept } of events) if (kept !== null) this.#own.add(kept.file);
    return events;
  }

  /** Sends what was just kept, for at most so many milliseconds; what has not arrived by then stays. */
  async deliver(events: readonly CrashEvent[], reporting: ErrorReporting, milliseconds: number): Promise<void> {
    const delivered = events.map(async ({ dsn, event, kept }) => {
      if ((await reporting.deliver(dsn, event)) && kept !== null) this.#options.files.remove(kept);
    });
    // The sockets do not keep the process alive; this timer does.
    await Promise.race([Promise.all(delivered), delay(milliseconds)]);
  }

  /** Sends what earlier runs kept, and not what this one delivers itself: it may end in the moment of its start. */
  async sendKept(open: () => Promise<ErrorReporting | null>): Promise<void> {
    const { files, dsn, plugins } = this.#options;
    const toSend = crashesToSend(files, dsn, plugins).filter(({ crash }) => !this.#own.has(crash.file));
    const reporting = toSend.length === 0 ? null : await open();
    if (reporting === null) return;
    for (const { dsn: to, crash } of toSend) {
      if (await reporting.deliver(to, crash.event)) files.remove(crash);
    }
  }
}

/** A crash reporter that keeps crashes where the user's other files of telemetry are. */
export function openCrashReporter(options: Omit<CrashReporterOptions, 'files'>): CrashReporter {
  return new CrashReporter({ ...options, files: new CrashFiles(telemetryPlaces(process.env).crashFolder) });
}
