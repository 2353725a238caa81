import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { GatewayDError, messageOf } from '../errors.ts';
import { builtInPlugins } from './built-in.ts';
import { pluginErrors } from './errors.ts';
import type { PluginOptions } from './options.ts';

/** A file or folder that is taken for a plugin, before anything of it was read. */
export interface PluginSource {
  /** The entry's name in its folder, links not followed. */
  readonly entry: string;
  /** The real path of the file or the folder. */
  readonly path: string;
  readonly kind: 'file' | 'folder';
  readonly builtIn: boolean;
}

/** What is in the plugins folder. */
export interface Discovery {
  /** The built-in plugins first, then the folder's entries in the order of their names. */
  readonly sources: readonly PluginSource[];
  /** Entries that are meant as plugins and cannot be. */
  readonly refused: readonly { readonly name: string; readonly path: string; readonly error: GatewayDError }[];
  /** Entries left alone, with the reason. */
  readonly ignored: ReadonlyMap<string, string>;
}

const extensions = ['.ts', '.mts', '.js', '.mjs'];

/** Whether a file's name says that it holds code a plugin can be made of; declarations (`.d.ts`) do not. */
export function isModuleFile(name: string): boolean {
  return extensions.includes(path.extname(name)) && !/\.d\.m?ts$/.test(name);
}

/** The name a plugin has by its entry in the plugins folder: a file's is its name without the extension. */
export function nameOfEntry(entry: string): string {
  return isModuleFile(entry) ? entry.slice(0, -path.extname(entry).length) : entry;
}

/** Where the built-in plugins are. */
export function builtInSources({ builtInDirectory }: Pick<PluginOptions, 'builtInDirectory'>): PluginSource[] {
  return builtInPlugins.map((entry) => ({
    entry,
    path: path.join(builtInDirectory, entry),
    kind: 'folder',
    builtIn: true,
  }));
}

/**
 * Looks through the plugins folder and the folder of the built-in ones; opens no file. A folder that is missing or
 * empty is fine: missing is worth a warning when the config names it.
 */
export async function discover(options: PluginOptions): Promise<Discovery> {
  const sources = builtInSources(options);
  const refused: Discovery['refused'][number][] = [];
  const ignored = new Map<string, string>();
  const directory = await realpath(options.directory).catch(() => options.directory);
  const passedOver = await builtInPaths(options.builtInDirectory);
  for (const entry of await entriesOf(directory, options)) {
    const found = await look(directory, entry).catch((error: unknown) => unreadable(directory, entry.name, error));
    if (found instanceof GatewayDError) {
      refused.push({ name: nameOfEntry(entry.name), path: path.join(directory, entry.name), error: found });
    } else if (typeof found === 'string') {
      ignored.set(entry.name, found);
      options.logger.debug({ entry: entry.name, reason: found }, 'left alone in the plugins folder');
    } else if (!passedOver.has(found.path)) {
      sources.push(found);
    }
  }
  return { sources, refused, ignored };
}

async function entriesOf(directory: string, options: PluginOptions): Promise<Dirent[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing && !options.directoryGiven) return [];
    const definition = missing ? pluginErrors.PLUGIN_DIRECTORY_MISSING : pluginErrors.PLUGIN_DIRECTORY_UNREADABLE;
    const { code, message, mend } = new GatewayDError(definition, { directory, reason: messageOf(error) });
    options.logger.warn({ code, mend }, message);
    return [];
  }
}

/** A source, the reason why the entry is left alone, or the error why it cannot be a plugin. */
async function look(directory: string, entry: Dirent): Promise<PluginSource | GatewayDError | string> {
  const { name } = entry;
  if (/^[._]/.test(name)) return `its name starts with ${name.slice(0, 1)}`;
  const own = path.join(directory, name);
  let real = own;
  if (entry.isSymbolicLink()) {
    real = await realpath(own);
    if (!real.startsWith(directory + path.sep)) {
      return new GatewayDError(pluginErrors.PLUGIN_LINK_OUTSIDE, { plugin: nameOfEntry(name), target: real });
    }
  }
  const kind = entry.isSymbolicLink() ? await stat(real) : entry;
  if (kind.isFile()) {
    if (!isModuleFile(name)) return 'it is no .ts, .mts, .js or .mjs file';
    return { entry: name, path: real, kind: 'file', builtIn: false };
  }
  if (!kind.isDirectory()) return 'it is neither a file nor a folder';
  return (await holdsPackage(real))
    ? { entry: name, path: real, kind: 'folder', builtIn: false }
    : 'it is a folder without a package.json';
}

/** @throws whatever keeps the folder from being looked into */
async function holdsPackage(folder: string): Promise<boolean> {
  return stat(path.join(folder, 'package.json')).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

function unreadable(directory: string, entry: string, error: unknown): GatewayDError {
  const values = { plugin: nameOfEntry(entry), path: path.join(directory, entry), reason: messageOf(error) };
  return new GatewayDError(pluginErrors.PLUGIN_UNREADABLE, values, { cause: error });
}

/**
 * The real paths of the built-in plugins. In a clone they are there twice: the sources, beside which people put plugins
 * of their own, and what is built from them.
 */
async function builtInPaths(builtInDirectory: string): Promise<Set<string>> {
  const places = [builtInDirectory];
  if (path.basename(path.dirname(builtInDirectory)) === 'dist') {
    places.push(path.resolve(builtInDirectory, '..', '..', path.basename(builtInDirectory)));
  }
  const paths = places.flatMap((place) => builtInPlugins.map((name) => path.join(place, name)));
  return new Set(await Promise.all(paths.map((one) => realpath(one).catch(() => one))));
}
