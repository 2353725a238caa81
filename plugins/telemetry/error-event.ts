import { randomUUID } from 'node:crypto';
import type { LoadedPlugin } from '../../lib/index.ts';
import { codeTags, safeExceptions, type SafeException } from './exceptions.ts';
import { ownRoots, type Root } from './frames.ts';

/** An event as it is sent, whole: what is not in it is added by nobody. */
export interface ErrorEventToSend {
  readonly event_id: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly platform: 'node';
  readonly level: 'error' | 'fatal';
  readonly release: string;
  readonly environment: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly exception: { readonly values: SafeException[] };
  readonly extra?: { readonly suppressed: number };
}

/** What failed. */
export interface Occurrence {
  readonly error: unknown;
  readonly fatal: boolean;
  /** How many were held back since the last one. */
  readonly suppressed: number;
  /** Null for an error of gatewayd itself. */
  readonly from: { readonly plugin: LoadedPlugin; readonly hook: string | null; readonly phase: string } | null;
}

/** For whom an event is made, and with what. */
export interface EventOptions {
  /** gatewayd's version. */
  readonly version: string;
  readonly environment: string;
  /** Whether the operator wants the texts of errors. */
  readonly messages: boolean;
  /** Every plugin there is. */
  readonly plugins: readonly LoadedPlugin[];
  /** The names a hook can have; whatever else was said to be one is a word of a plugin's own. */
  readonly hookNames: ReadonlySet<string>;
}

/** What a row or a file that is no plugin is called may be a path, or an address: only what can be a plugin's name goes. */
const isName = (name: string): boolean => /^(?:@[\w.~-]+\/)?[A-Za-z0-9][\w.~ -]{0,213}$/.test(name);

const isWithheld = (plugin: LoadedPlugin): boolean => plugin.private || !isName(plugin.name);

function rootOf(plugin: LoadedPlugin, open: boolean): Root {
  return { path: plugin.path, name: `app:///plugins/${open ? plugin.name : 'other'}`, open };
}

function hookTag(hook: string | null, names: ReadonlySet<string>): string {
  if (hook === null) return 'none';
  return names.has(hook) ? hook : 'other';
}

function pluginTags({ name, version, checksum }: LoadedPlugin, open: boolean): Record<string, string> {
  return open
    ? { 'plugin.name': name, 'plugin.version': version, 'plugin.checksum': checksum }
    : { 'plugin.name': 'other', 'plugin.version': '0.0.0', 'plugin.checksum': '0'.repeat(64) };
}

function event(
  { error, fatal, suppressed, from }: Occurrence,
  { roots, open, messages }: { readonly roots: readonly Root[]; readonly open: boolean; readonly messages: boolean },
  { hookNames, ...options }: EventOptions & { readonly release: string },
): ErrorEventToSend {
  return {
    event_id: randomUUID().replaceAll('-', ''),
    timestamp: Date.now() / 1000,
    platform: 'node',
    level: fatal ? 'fatal' : 'error',
    release: options.release,
    environment: options.environment,
    tags: {
      ...(from !== null && {
        ...pluginTags(from.plugin, open),
        hook: hookTag(from.hook, hookNames),
        phase: from.phase,
      }),
      ...codeTags(error),
    },
    exception: { values: safeExceptions(error, { roots, withheld: !open, messages }) },
    ...(suppressed > 0 && { extra: { suppressed } }),
  };
}

/** For the Sentry project of whoever runs gatewayd: every plugin is named but those that are private. */
export function eventForOperator(occurrence: Occurrence, options: EventOptions): ErrorEventToSend {
  const roots = options.plugins.map((plugin) => rootOf(plugin, !isWithheld(plugin)));
  const open = occurrence.from === null || !isWithheld(occurrence.from.plugin);
  const release = `gatewayd@${options.version}`;
  return event(
    occurrence,
    { roots: [...ownRoots, ...roots], open, messages: options.messages },
    { ...options, release },
  );
}

/**
 * For the Sentry project of a plugin's author, who learns of that plugin, and nothing of how gatewayd is run: no other
 * plugin's name, no environment, and no text of an error.
 */
export function eventForAuthor(occurrence: Occurrence, plugin: LoadedPlugin, options: EventOptions): ErrorEventToSend {
  const open = isName(plugin.name);
  const release = open ? `${plugin.name}@${plugin.version}` : 'other';
  const roots = [...ownRoots, rootOf(plugin, open)];
  const made = event(occurrence, { roots, open, messages: false }, { ...options, release, environment: 'production' });
  return { ...made, tags: { ...made.tags, gatewayd: options.version } };
}
