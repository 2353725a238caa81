import type { LoadedPlugin, LoadedPlugins } from '../../lib/index.ts';
import { type CrashFile, type CrashFiles, projectOf } from './crash-files.ts';
import { destinationsOf } from './destinations.ts';
import { type ErrorEventToSend, eventForOperator, type EventOptions } from './error-event.ts';
import { eventsOf } from './events-of.ts';

/** An error that ends the process. */
export interface Crash {
  readonly error: unknown;
  /** Whose code it came from; null for gatewayd itself. */
  readonly plugin: string | null;
  readonly hook: string | null;
}

/** A crash on its way to one Sentry project. */
export interface CrashEvent {
  readonly dsn: string;
  readonly event: ErrorEventToSend;
  /** Null where it could not be kept. */
  readonly kept: CrashFile | null;
}

/** What crashes are reported with. */
export interface CrashOptions {
  readonly files: CrashFiles;
  /** The project of whoever runs gatewayd; empty for none. */
  readonly dsn: string;
  readonly events: EventOptions;
}

/** Keeps a crash on the disk, before it returns, for each project that is to learn of it. */
export function keepCrash({ error, plugin: name, hook }: Crash, { files, dsn, events }: CrashOptions): CrashEvent[] {
  const plugin = events.plugins.find((one) => one.name === name);
  const made =
    plugin === undefined
      ? [{ dsn, event: eventForOperator({ error, fatal: true, suppressed: 0, from: null }, events) }]
      : eventsOf(plugin, { error, hook, phase: 'crash' }, { dsn, events }, { fatal: true });
  return made.filter((one) => one.dsn !== '').map((one) => ({ ...one, kept: files.keep(one.dsn, one.event) }));
}

/** The DSN that a crash of an earlier run is for, as the config is now; null where nobody is to have it any more. */
function destinationOf({ project, event }: CrashFile, dsn: string, plugins: readonly LoadedPlugin[]): string | null {
  const plugin = plugins.find(({ name }) => name === event.tags['plugin.name']);
  if (dsn !== '' && project === projectOf(dsn)) {
    return plugin === undefined || plugin.errorReports.to === 'all' ? dsn : null;
  }
  if (plugin === undefined || !destinationsOf(plugin, dsn).author) return null;
  return project === projectOf(plugin.errorReports.sentryDsn) ? plugin.errorReports.sentryDsn : null;
}

/**
 * The crashes that earlier runs kept and that can be sent by this one: to the very project they were kept for. Those of
 * others are left alone: several gatewayd of one user can share the folder.
 */
export function crashesToSend(
  files: CrashFiles,
  dsn: string,
  plugins: Pick<LoadedPlugins, 'each'>,
): readonly { readonly dsn: string; readonly crash: CrashFile }[] {
  const known: LoadedPlugin[] = [];
  plugins.each((plugin) => known.push(plugin));
  return files.pending().flatMap((crash) => {
    const to = destinationOf(crash, dsn, known);
    return to === null ? [] : [{ dsn: to, crash }];
  });
}
