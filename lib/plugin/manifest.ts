import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import valid from 'semver/functions/valid.js';
import { GatewayDError, messageOf } from '../errors.ts';
import { isModuleFile, nameOfEntry, type PluginSource } from './discovery.ts';
import { pluginErrors } from './errors.ts';
import { faultOfPermissions } from './permissions.ts';
import { readPlainFile } from './read-plain-file.ts';

/** What is known of a plugin before any of its code runs. */
export interface Manifest {
  readonly name: string;
  /** From package.json; null for a single file, whose module says it. */
  readonly version: string | null;
  /** The file to import. */
  readonly entryPoint: string;
  /** `gatewayd.permissions` of package.json, as it is there; undefined where it does not say. */
  readonly permissions?: unknown;
  /** Whether its package.json says `private: true`; what its module says is known later. */
  readonly private: boolean;
}

/** Conditions within conditions: nobody needs more, and a file can hold as many as the stack does not. */
const deepestConditions = 16;

/** The version of a single file that does not say one. */
export const unversioned = '0.0.0';

/**
 * Reads what a source says of itself without running it: a folder's package.json, a file's name.
 * @throws {GatewayDError} PLUGIN_BAD_NAME, PLUGIN_BAD_PACKAGE, PLUGIN_BAD_VERSION, PLUGIN_NO_ENTRY or PLUGIN_UNREADABLE
 */
export async function readManifest(source: PluginSource): Promise<Manifest> {
  if (source.kind === 'file') {
    return { name: checkName(nameOfEntry(source.entry)), version: null, entryPoint: source.path, private: false };
  }
  const content = await readPackage(source);
  const name = content['name'];
  if (typeof name !== 'string') throw badPackage(source, 'it has no `name`');
  checkName(name);
  const version = checkVersion(name, content['version']);
  const own = content['gatewayd'];
  const permissions: unknown =
    typeof own === 'object' && own !== null && 'permissions' in own ? own.permissions : undefined;
  const fault = faultOfPermissions(permissions);
  if (fault !== null) throw badPackage(source, fault);
  const entryPoint = await findEntryPoint(source, name, content);
  const isPrivate = content['private'] === true;
  return { name, version, entryPoint, private: isPrivate, ...(permissions === undefined ? {} : { permissions }) };
}

/** @throws {GatewayDError} PLUGIN_BAD_VERSION unless `version` is a semantic version */
export function checkVersion(plugin: string, version: unknown): string {
  if (typeof version === 'string' && valid(version) === version) return version;
  const text = typeof version === 'string' ? JSON.stringify(version) : String(version);
  throw new GatewayDError(pluginErrors.PLUGIN_BAD_VERSION, { plugin, version: text });
}

/** Names end up in logs, in the lock and in shell commands; `gatewayd` in `requires` means the host. */
function checkName(name: string): string {
  const reason =
    name === 'gatewayd'
      ? 'it is the name of the host'
      : /^(@[\w.~-]+\/)?[A-Za-z0-9][\w.~ -]{0,213}$/.test(name)
        ? null
        : 'a name starts with a letter or digit and holds letters, digits, spaces and - . _ ~ only';
  if (reason === null) return name;
  throw new GatewayDError(pluginErrors.PLUGIN_BAD_NAME, { plugin: JSON.stringify(name), reason });
}

async function readPackage(source: PluginSource): Promise<Record<string, unknown>> {
  const file = path.join(source.path, 'package.json');
  const text = await readPlainFile(file).catch((error: unknown) => {
    const values = { plugin: source.entry, path: file, reason: messageOf(error) };
    throw new GatewayDError(pluginErrors.PLUGIN_UNREADABLE, values, { cause: error });
  });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw badPackage(source, messageOf(error));
  }
  if (typeof content !== 'object' || content === null) throw badPackage(source, 'it is no JSON object');
  return content as Record<string, unknown>;
}

function badPackage(source: PluginSource, reason: string): GatewayDError {
  return new GatewayDError(pluginErrors.PLUGIN_BAD_PACKAGE, { plugin: source.entry, reason });
}

async function findEntryPoint(source: PluginSource, plugin: string, content: Record<string, unknown>): Promise<string> {
  const named = exportedTarget(content['exports']) ?? content['main'];
  const candidates = typeof named === 'string' ? [named] : ['index.ts', 'index.mts', 'index.js', 'index.mjs'];
  for (const candidate of candidates) {
    const file = await realpath(path.resolve(source.path, candidate)).catch(() => null);
    if (file === null || !(await stat(file)).isFile()) continue;
    const inside = path.relative(source.path, file);
    // What the checksum does not cover must not be what runs.
    const covered = !inside.startsWith('..') && !/(^|[\\/])(node_modules|\.git)[\\/]/.test(inside);
    // The entry of a built-in plugin is CommonJS once it is built.
    if (covered && (isModuleFile(file) || source.builtIn)) return file;
    throw noEntryPoint(plugin, `${candidate} is no module inside the folder`);
  }
  throw noEntryPoint(plugin, `there is no ${candidates.join(', ')}`);
}

function noEntryPoint(plugin: string, reason: string): GatewayDError {
  return new GatewayDError(pluginErrors.PLUGIN_NO_ENTRY, { plugin, reason });
}

/** The target of `.` in a package's `exports`, by the conditions an `import` has. */
function exportedTarget(exports: unknown, depth = 0): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null || depth > deepestConditions) return undefined;
  for (const [key, value] of Object.entries(exports)) {
    if (!['.', 'node', 'import', 'module-sync', 'default'].includes(key)) continue;
    const target = exportedTarget(value, depth + 1);
    if (target !== undefined) return target;
  }
  return undefined;
}
