import type { LoadedPlugin, LoadedPlugins, PluginFailure } from '../../lib/index.ts';
import { destinationsOf } from './destinations.ts';
import { type ErrorEventToSend, eventForAuthor, eventForOperator, type EventOptions } from './error-event.ts';
import type { ErrorReporting } from './error-reporting.ts';
import { Scope } from './sentry-sdk.ts';

/** What plugins' failures are reported with. */
export interface PluginErrorsOptions {
  readonly plugins: Pick<LoadedPlugins, 'each'>;
  readonly reporting: ErrorReporting;
  /** The project of whoever runs gatewayd; empty for none. */
  readonly dsn: string;
  readonly events: EventOptions;
}

/** The events that a failure of a plugin comes to, each with the DSN it is for. */
export function eventsOf(
  plugin: LoadedPlugin,
  { error, hook, phase }: Pick<PluginFailure, 'error' | 'hook' | 'phase'>,
  { dsn, events }: Pick<PluginErrorsOptions, 'dsn' | 'events'>,
  { suppressed = 0, fatal = false } = {},
): readonly { readonly dsn: string; readonly event: ErrorEventToSend }[] {
  const { operator, author } = destinationsOf(plugin, dsn);
  const occurrence = { error, fatal, suppressed, from: { plugin, hook, phase } };
  return [
    ...(operator ? [{ dsn, event: eventForOperator(occurrence, events) }] : []),
    ...(author ? [{ dsn: plugin.errorReports.sentryDsn, event: eventForAuthor(occurrence, plugin, events) }] : []),
  ];
}

/**
 * Sends every failure of every plugin, each in its plugin's own scope: those that come, and those that each error hook
 * still remembers from before.
 */
export function reportPluginErrors(options: PluginErrorsOptions): void {
  const { plugins, reporting, dsn } = options;
  plugins.each((plugin) => {
    const { operator, author } = destinationsOf(plugin, dsn);
    if (!operator && !author) return;
    const scope = new Scope();
    plugin.hooks.error.tap('sentry', (failure) => {
      const suppressed = reporting.gate.admit(`${plugin.name} ${failure.hook ?? ''}`, failure.suppressed);
      if (suppressed === null) return;
      for (const { dsn: to, event } of eventsOf(plugin, failure, options, { suppressed })) {
        reporting.send(to, event, scope);
      }
    });
  });
}
