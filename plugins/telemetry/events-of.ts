import type { LoadedPlugin, PluginFailure } from '../../lib/index.ts';
import { destinationsOf } from './destinations.ts';
import { type ErrorEventToSend, eventForAuthor, eventForOperator, type EventOptions } from './error-event.ts';

/** The events that a failure of a plugin comes to, each with the DSN it is for. */
export function eventsOf(
  plugin: LoadedPlugin,
  { error, hook, phase }: Pick<PluginFailure, 'error' | 'hook' | 'phase'>,
  { dsn, events }: { readonly dsn: string; readonly events: EventOptions },
  { suppressed = 0, fatal = false } = {},
): readonly { readonly dsn: string; readonly event: ErrorEventToSend }[] {
  const { operator, author } = destinationsOf(plugin, dsn);
  const occurrence = { error, fatal, suppressed, from: { plugin, hook, phase } };
  return [
    ...(operator ? [{ dsn, event: eventForOperator(occurrence, events) }] : []),
    ...(author ? [{ dsn: plugin.errorReports.sentryDsn, event: eventForAuthor(occurrence, plugin, events) }] : []),
  ];
}
