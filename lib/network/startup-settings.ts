import { GatewayDError } from '../errors.ts';
import { messages } from '../protocol/messages.ts';
import { networkErrors } from './errors.ts';
import type { LoggedInBackend } from './logged-in-backend.ts';

/** How long a database may take to set what a client asks for, in milliseconds. */
const settingTimeout = 10_000;
const prepare = messages.parse({ sql: 'SELECT pg_catalog.set_config($1, $2, false)' }).bytes;
const execute = messages.execute().bytes;
/** The client is not to find a statement that it did not prepare. */
const forget = messages.close('S').bytes;
const sync = messages.sync().bytes;

/** Names in a start-up packet that are no settings of the database. */
const noSettings = new Set(['user', 'database', 'options', 'replication']);

/**
 * The settings that a start-up packet asks for, `options` included, in the order in which PostgreSQL sets them.
 * @throws {GatewayDError} NETWORK_REPLICATION, NETWORK_SETTING_REFUSED
 */
export function startupSettings(parameters: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  // What PostgreSQL reads as a false Boolean asks for nothing.
  const replication = parameters.get('replication') ?? 'off';
  if (!/^(?:f(?:alse)?|no?|of(?:f)?|0)$/i.test(replication)) throw new GatewayDError(networkErrors.NETWORK_REPLICATION);
  const settings = new Map(optionSettings(parameters.get('options') ?? ''));
  for (const [name, value] of parameters) {
    if (!noSettings.has(name) && !name.startsWith('_pq_.')) settings.set(name, value);
  }
  return settings;
}

/** What `-c name=value` and `--name=value` in `options` set; PostgreSQL's other switches cannot be had any more. */
function optionSettings(options: string): [string, string][] {
  if (options === '') return [];
  const words = [...options.matchAll(/(?:\\.|[^\\\s])+/gs)].map(([word]) => word.replaceAll(/\\(.)/gs, '$1'));
  const settings: [string, string][] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const text = word === '-c' ? (words[(index += 1)] ?? '') : /^(?:-c|--)(.*)$/s.exec(word)?.[1];
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text ?? '') ?? [];
    if (name === undefined || value === undefined) {
      throw refused('options', `the option ${word} cannot be set on a backend that is logged in already`, '22023');
    }
    // PostgreSQL takes a dash for an underscore here.
    settings.push([name.replaceAll('-', '_'), value]);
  }
  return settings;
}

/**
 * Gives a backend the settings that a client asks for when it connects: all of them, or none and an error. Unlike after
 * a real start, RESET goes back to what the backend was logged in with.
 * @throws {GatewayDError} NETWORK_SETTING_REFUSED with the SQLSTATE of the database, NETWORK_DATABASE_CLOSED,
 * NETWORK_DATABASE_SILENT
 */
export async function applySettings(backend: LoggedInBackend, settings: ReadonlyMap<string, string>): Promise<void> {
  const wanted = [...settings].filter(([name, value]) => !isSet(backend.parameters, name, value));
  if (wanted.length === 0) return;
  const bytes = [prepare];
  for (const setting of wanted) bytes.push(messages.bind({ parameters: setting }).bytes, execute);
  const { error } = await backend.ask(Buffer.concat([...bytes, forget, sync]), 1, settingTimeout);
  if (error !== null) throw refused(wanted.map(([name]) => name).join(', '), error.message, error.sqlstate);
}

/** Whether the database has reported just that. */
function isSet(reported: ReadonlyMap<string, string>, name: string, value: string): boolean {
  const now = reported.get(name) ?? reportedOtherwise(reported, name);
  return name === 'client_encoding' && now !== undefined ? plainName(now) === plainName(value) : now === value;
}

/** What was reported of a setting whose name is written otherwise there (`TimeZone`). */
function reportedOtherwise(reported: ReadonlyMap<string, string>, name: string): string | undefined {
  const lower = name.toLowerCase();
  for (const [known, now] of reported) if (known.toLowerCase() === lower) return now;
  return undefined;
}

/** `utf-8` and `UTF8` are one encoding. */
function plainName(encoding: string): string {
  return encoding.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

function refused(parameter: string, reason: string, sqlstate: string): GatewayDError {
  return new GatewayDError({ ...networkErrors.NETWORK_SETTING_REFUSED, sqlstate }, { parameter, reason });
}
