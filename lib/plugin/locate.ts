import type { PluginRow } from '../config/schema.ts';
import { GatewayDError } from '../errors.ts';
import { builtInSources, discover, nameOfEntry, type PluginSource } from './discovery.ts';
import { pluginErrors } from './errors.ts';
import { readManifest, type Manifest } from './manifest.ts';
import type { PluginOptions } from './options.ts';

/** A plugin that there is, or that the config names: with its place, its row and its own word on itself, or an error. */
export interface Located {
  readonly name: string;
  /** Null for a row that no plugin was found for. */
  readonly path: string | null;
  readonly row: PluginRow | undefined;
  /** Null where nothing could be made of it. */
  readonly source: PluginSource | null;
  readonly manifest: Manifest | null;
  readonly error: GatewayDError | null;
}

/** What there is in the places where plugins can be. */
export interface Location {
  readonly plugins: readonly Located[];
  /** Entries left alone, with the reason. */
  readonly ignored: ReadonlyMap<string, string>;
}

/**
 * Finds the plugins and their names, and matches them with the rows of the config. Reads package.json files and nothing
 * else. Never throws for a bad plugin: that one is in the list with its error.
 */
export async function locate(options: PluginOptions): Promise<Location> {
  const discovery = await discover(options);
  const rows = rowsByName(options);
  const plugins: Located[] = [];
  const { ignored } = discovery;
  // What a source without a manifest is called is only a guess.
  const taken = new Map<string, string>();
  for (const one of await Promise.all(discovery.sources.map((source) => describe(source, rows, options)))) {
    const isNamed = one.manifest !== null || one.source?.builtIn === true;
    const other = isNamed ? taken.get(one.name) : undefined;
    if (isNamed && other === undefined) taken.set(one.name, String(one.path));
    plugins.push(other === undefined ? one : { ...one, error: duplicate(one, other) });
  }
  for (const { name, path, error } of discovery.refused) {
    plugins.push({ name, path, row: rows.get(name), source: null, manifest: null, error });
  }
  for (const row of rows.values()) {
    const index = plugins.findIndex(({ name }) => name === row.name);
    const found = plugins[index];
    const error = rowError(row) ?? (found ? null : await notFound(row.name, { plugins, ignored }, options.directory));
    if (error === null) continue;
    if (found) plugins[index] = { ...found, error };
    else plugins.push({ name: row.name, path: null, row, source: null, manifest: null, error });
  }
  return { plugins, ignored };
}

/** The same for the built-in plugins of these names alone: the plugins folder is not looked at. */
export async function locateBuiltIns(names: readonly string[], options: PluginOptions): Promise<readonly Located[]> {
  const rows = rowsByName(options);
  const sources = builtInSources(options).filter(({ entry }) => names.includes(entry));
  const located = await Promise.all(sources.map((source) => describe(source, rows, options)));
  return located.map((one) => ({ ...one, error: (one.row && rowError(one.row)) ?? one.error }));
}

function rowsByName({ rows }: PluginOptions): ReadonlyMap<string, PluginRow> {
  const byName = new Map<string, PluginRow>();
  for (const row of rows) if (!byName.has(row.name)) byName.set(row.name, row);
  return byName;
}

async function describe(
  source: PluginSource,
  rows: ReadonlyMap<string, PluginRow>,
  { builtIns }: PluginOptions,
): Promise<Located> {
  // Of a built-in plugin that is off, no file is opened: people who turned telemetry off look for that.
  if (source.builtIn && !builtIns.includes(source.entry)) {
    return { name: source.entry, path: source.path, row: rows.get(source.entry), source, manifest: null, error: null };
  }
  try {
    const manifest = await readManifest(source);
    return { name: manifest.name, path: source.path, row: rows.get(manifest.name), source, manifest, error: null };
  } catch (error) {
    if (!(error instanceof GatewayDError)) throw error;
    const name = nameOfEntry(source.entry);
    return { name, path: source.path, row: rows.get(name), source, manifest: null, error };
  }
}

function duplicate({ name, path }: Located, other: string): GatewayDError {
  return new GatewayDError(pluginErrors.PLUGIN_DUPLICATE_NAME, { plugin: name, path: String(path), other });
}

/** Rows for places to run that this gatewayd does not have: refused loudly rather than run with less isolation. */
function rowError(row: PluginRow): GatewayDError | null {
  const plugin = row.name;
  if (row.localPath !== '') {
    const values = { plugin, path: row.localPath };
    return row.checksum === ''
      ? new GatewayDError(pluginErrors.PLUGIN_EXECUTABLE_UNPINNED, values)
      : new GatewayDError(pluginErrors.PLUGIN_EXECUTABLE_UNSUPPORTED, values);
  }
  return null;
}

/** Why there is no plugin of that name, with the name that may have been meant. */
export async function notFound(
  plugin: string,
  { plugins, ignored }: Location,
  directory: string,
): Promise<GatewayDError> {
  const { closest, distance } = await import('fastest-levenshtein');
  const names = plugins.filter(({ path }) => path !== null).map(({ name }) => name);
  const close = names.length === 0 ? '' : closest(plugin, names);
  const isNear = close !== '' && distance(plugin, close) <= Math.max(2, plugin.length / 3);
  const left = [...ignored].find(([entry]) => nameOfEntry(entry).replace(/^[._]/, '') === plugin);
  let nearest = isNear ? `; did you mean ${close}?` : '';
  if (left !== undefined) nearest = `; ${left[0]} is left alone, because ${left[1]}`;
  return new GatewayDError(pluginErrors.PLUGIN_NOT_FOUND, { plugin, directory, nearest });
}
