import type { LoadedPlugins } from '../../lib/index.ts';
import { destinationsOf } from './destinations.ts';
import type { EventOptions } from './error-event.ts';
import type { ErrorReporting } from './error-reporting.ts';
import { eventsOf } from './events-of.ts';
import { Scope } from './sentry-sdk.ts';

/** What plugins' failures are reported with. */
export interface PluginErrorsOptions {
  readonly plugins: Pick<LoadedPlugins, 'each'>;
  readonly reporting: ErrorReporting;
  /** The project of whoever runs gatewayd; empty for none. */
  readonly dsn: string;
  readonly events: EventOptions;
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
