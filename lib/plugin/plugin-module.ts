import validRange from 'semver/ranges/valid.js';
import { GatewayDError, messageOf } from '../errors.ts';
import { pluginErrors } from './errors.ts';
import type { Ready } from './examine.ts';
import { checkVersion, unversioned } from './manifest.ts';
import { faultOfPermissions } from './permissions.ts';
import type { Plugin } from './plugin.ts';

/** What a plugin's module says of it, checked. */
export interface PluginModule {
  readonly plugin: Plugin;
  readonly version: string;
  readonly requires: ReadonlyMap<string, string>;
  readonly private: boolean;
  readonly configSchema: object | undefined;
  /** What the plugin says it needs, as it says it; undefined where it does not. */
  readonly permissions: unknown;
  /** Ends what the plugin runs in, where that is not this process: for a plugin that is not going to be loaded. */
  readonly release?: () => void;
}

/**
 * Reads the plugin out of the module that was imported.
 * @throws {GatewayDError} PLUGIN_NO_DEFAULT_EXPORT, PLUGIN_BAD_EXPORT, PLUGIN_NAME_MISMATCH, PLUGIN_BAD_VERSION or
 * PLUGIN_BAD_REQUIREMENT
 */
export function readModule(ready: Ready, namespace: object): PluginModule {
  const plugin = ready.name;
  if (!('default' in namespace)) throw new GatewayDError(pluginErrors.PLUGIN_NO_DEFAULT_EXPORT, { plugin });
  const exported = namespace.default;
  if (typeof exported !== 'object' || exported === null) throw badExport(plugin, 'its default export is no object');
  const { name, version, requires, private: isPrivate, configSchema, permissions, apply } = members(plugin, exported);
  if (typeof apply !== 'function') throw badExport(plugin, 'it has no apply function');
  if (name !== undefined && name !== plugin) {
    throw new GatewayDError(pluginErrors.PLUGIN_NAME_MISMATCH, {
      plugin,
      exported: typeof name === 'string' ? name : `a ${typeof name}`,
    });
  }
  if (configSchema !== undefined && (typeof configSchema !== 'object' || configSchema === null)) {
    throw badExport(plugin, 'its configSchema is no object');
  }
  const fault = faultOfPermissions(permissions);
  if (fault !== null) throw badExport(plugin, fault);
  const own = version === undefined ? unversioned : checkVersion(plugin, version);
  return {
    plugin: exported as Plugin,
    version: ready.manifest.version ?? own,
    requires: readRequirements(plugin, requires ?? {}),
    private: isPrivate === true,
    configSchema,
    permissions,
  };
}

/** A plugin may be an instance of anything: each member is read once, and a getter may throw. */
function members(plugin: string, exported: object): Partial<Record<keyof Plugin, unknown>> {
  try {
    const {
      name,
      version,
      requires,
      private: isPrivate,
      configSchema,
      permissions,
      apply,
    } = exported as Partial<Plugin>;
    return { name, version, requires, private: isPrivate, configSchema, permissions, apply };
  } catch (error) {
    throw badExport(plugin, messageOf(error));
  }
}

function readRequirements(plugin: string, requires: unknown): ReadonlyMap<string, string> {
  if (typeof requires !== 'object' || requires === null) throw badExport(plugin, 'its requires is no object');
  const entries = Object.entries(requires).map(([required, range]: [string, unknown]) => {
    if (typeof range === 'string' && validRange(range) !== null) return [required, range] as const;
    throw new GatewayDError(pluginErrors.PLUGIN_BAD_REQUIREMENT, { plugin, required, range: String(range) });
  });
  return new Map(entries);
}

function badExport(plugin: string, reason: string): GatewayDError {
  return new GatewayDError(pluginErrors.PLUGIN_BAD_EXPORT, { plugin, reason });
}
