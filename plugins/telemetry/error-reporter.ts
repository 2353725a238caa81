import type { LoadedPlugin, LoadedPlugins } from '../../lib/index.ts';
import { eventForOperator, type EventOptions } from './error-event.ts';
import type { ErrorReporting } from './error-reporting.ts';
import { reportPluginErrors } from './plugin-errors.ts';
import { Scope } from './sentry-sdk.ts';

/** What an error reporter is made from. */
export interface ErrorReporterOptions extends Omit<EventOptions, 'plugins'> {
  /** The project of whoever runs gatewayd; empty for none. */
  readonly dsn: string;
  readonly plugins: Pick<LoadedPlugins, 'each'>;
  readonly reporting: ErrorReporting;
}

/** Sends errors to Sentry: those of plugins by itself, those of the core when it is told. */
export interface ErrorReporter {
  /** Sends an error that is no plugin's. */
  captureCore(error: unknown, fatal: boolean): void;
}

/** Makes an error reporter, which taps every plugin's error hook at once. */
export function openErrorReporter({ dsn, reporting, ...rest }: ErrorReporterOptions): ErrorReporter {
  const known: LoadedPlugin[] = [];
  rest.plugins.each((plugin) => known.push(plugin));
  const events = { ...rest, plugins: known };
  const coreScope = new Scope();
  reportPluginErrors({ plugins: rest.plugins, reporting, dsn, events });
  return {
    captureCore(error, fatal) {
      const suppressed = reporting.gate.admit('');
      if (suppressed === null && !fatal) return;
      const event = eventForOperator({ error, fatal, suppressed: suppressed ?? 0, from: null }, events);
      reporting.send(dsn, event, coreScope);
    },
  };
}
