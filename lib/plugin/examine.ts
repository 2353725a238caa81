import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PluginRow } from '../config/schema.ts';
import { GatewayDError, messageOf } from '../errors.ts';
import type { Trust } from '../hooks/loaded-plugin.ts';
import { checksumOfFile, checksumOfFolder, type Observe } from './checksum.ts';
import type { PluginSource } from './discovery.ts';
import { pluginErrors } from './errors.ts';
import { locate, locateBuiltIns, type Located } from './locate.ts';
import { readLock, type Lock } from './lock-file.ts';
import type { Manifest } from './manifest.ts';
import { needsStripping, publicSurface, resolveWithoutHooks } from './module-hooks.ts';
import type { PluginOptions } from './options.ts';
import { verifies, verify } from './verify.ts';

/** A plugin that may run. */
export interface Ready extends Located {
  readonly state: 'found';
  readonly path: string;
  readonly source: PluginSource;
  readonly manifest: Manifest;
  readonly checksum: string;
  readonly trust: Trust;
  /** Whether Node alone could not import it: it is TypeScript, or may import gatewayd from where that is not found. */
  readonly needsModuleHooks: boolean;
  /** Whether it may import files of its own, which are to be imported anew when it is. */
  readonly importsOwnFiles: boolean;
}

/** A plugin that may not. */
export interface Refused extends Located {
  readonly state: 'failed' | 'disabled';
  readonly checksum: string | null;
}

export type Examined = Ready | Refused;

/**
 * Everything up to the point where a plugin's code would run: found, named, hashed, verified. Never throws for a bad
 * plugin. A disabled plugin's code is not even read.
 * @param postponed names of built-in plugins that are left out, and of which no file is opened
 */
export async function examine(options: PluginOptions, postponed: readonly string[] = []): Promise<readonly Examined[]> {
  const builtIns = options.builtIns.filter((name) => !postponed.includes(name));
  const { plugins } = await locate({ ...options, builtIns });
  const located = plugins.filter(({ name, source }) => !(source?.builtIn === true && postponed.includes(name)));
  const lock = await lockFor(located, options);
  const examiner = new Examiner(lock, options);
  return Promise.all(located.map((one) => examiner.examine(one)));
}

/** The same for the built-in plugins of these names alone. */
export async function examineBuiltIns(names: readonly string[], options: PluginOptions): Promise<readonly Examined[]> {
  // What comes with gatewayd is not in plugins.lock.
  const examiner = new Examiner(new Map(), options);
  return Promise.all((await locateBuiltIns(names, options)).map((one) => examiner.examine(one)));
}

async function lockFor(located: readonly Located[], options: PluginOptions): Promise<Lock | GatewayDError> {
  const asked =
    options.verify === 'lock' && verifies(options) && located.some(({ source }) => source?.builtIn === false);
  if (!asked) return new Map();
  return readLock(options.lockFile).catch((error: unknown) => {
    if (error instanceof GatewayDError) return error;
    throw error;
  });
}

/** Where a plugin runs: what comes with gatewayd in gatewayd itself, whatever its row says. */
export function isolationOf({ row, source }: Pick<Examined, 'row' | 'source'>): PluginRow['isolation'] {
  return source?.builtIn === true ? 'none' : (row?.isolation ?? 'none');
}

/** Whether a plugin does not run in gatewayd itself. */
export const isElsewhere = (plugin: Pick<Examined, 'row' | 'source'>): boolean => isolationOf(plugin) !== 'none';

/** What is imported by a name that is written out begins like this; what is not written out may be anything. */
const ownImport = /["'`][./#\\]|\bimport\s*[(/]/;

function mayImportOwnFiles(file: string, bytes: Buffer): boolean {
  return /\.[cm]?[jt]s$/.test(file) && ownImport.test(bytes.toString('latin1'));
}

class Examiner {
  readonly #lock: Lock | GatewayDError;
  readonly #options: PluginOptions;
  readonly #resolvesHere = new Map<string, boolean>();

  constructor(lock: Lock | GatewayDError, options: PluginOptions) {
    this.#lock = lock;
    this.#options = options;
  }

  async examine(one: Located): Promise<Examined> {
    const { name, row, source, manifest } = one;
    const off = source?.builtIn === true ? !this.#options.builtIns.includes(name) : row?.enabled === false;
    if (off) return { ...one, state: 'disabled', checksum: null, error: null };
    if (one.error !== null || source === null || manifest === null) return { ...one, state: 'failed', checksum: null };
    let checksum: string | null = null;
    try {
      let typeScript = false;
      let mentionsHost = false;
      let importsOwnFiles = false;
      checksum = await checksumOf(name, source, (file, bytes, whole) => {
        typeScript ||= needsStripping(file);
        // './' as in './other.js', which may mention the host in its turn. What is too large to search may do anything.
        mentionsHost ||= !whole || bytes.includes('gatewayd') || bytes.includes('./');
        importsOwnFiles ||= !whole || mayImportOwnFiles(file, bytes);
      });
      const trust = verify({ name, checksum, builtIn: source.builtIn, row }, this.#lock, this.#options);
      const needsModuleHooks = !source.builtIn && (typeScript || this.#needsHooks(source, manifest, mentionsHost));
      const ready = { source, manifest, checksum, trust, needsModuleHooks, importsOwnFiles };
      return { ...one, state: 'found', path: source.path, ...ready };
    } catch (error) {
      if (!(error instanceof GatewayDError)) throw error;
      return { ...one, state: 'failed', checksum, error };
    }
  }

  #needsHooks(source: PluginSource, { entryPoint }: Manifest, mentionsHost: boolean): boolean {
    const holdsPackages = source.kind === 'folder' && existsSync(path.join(source.path, 'node_modules'));
    return holdsPackages || (mentionsHost && !this.#findsHost(path.dirname(entryPoint)));
  }

  /** Whether Node itself finds the running host from this folder, as it does below a clone or an installed package. */
  #findsHost(folder: string): boolean {
    const known = this.#resolvesHere.get(folder);
    if (known !== undefined) return known;
    const found = resolveWithoutHooks('gatewayd', folder) === fileURLToPath(publicSurface);
    this.#resolvesHere.set(folder, found);
    return found;
  }
}

/**
 * The checksum of a plugin as it is now.
 * @throws {GatewayDError} PLUGIN_UNREADABLE or PLUGIN_NOT_PLAIN
 */
export async function checksumOf(plugin: string, source: PluginSource, observe?: Observe): Promise<string> {
  try {
    if (source.kind === 'file') return await checksumOfFile(source.path, observe);
    return await checksumOfFolder(source.path, plugin, observe);
  } catch (error) {
    if (error instanceof GatewayDError) throw error;
    const file = (error as NodeJS.ErrnoException).path ?? source.path;
    const values = { plugin, path: file, reason: messageOf(error) };
    throw new GatewayDError(pluginErrors.PLUGIN_UNREADABLE, values, { cause: error });
  }
}
