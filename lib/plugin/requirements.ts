import satisfies from 'semver/functions/satisfies.js';
import { GatewayDError } from '../errors.ts';
import { pluginErrors } from './errors.ts';

/** As much of a plugin as its place in the order depends on. */
export interface Requiring {
  readonly name: string;
  readonly version: string;
  /** `gatewayd` or a plugin's name to a semver range. */
  readonly requires: ReadonlyMap<string, string>;
  /** The place of its row in the config; Infinity without a row. */
  readonly rank: number;
}

/** In which order to apply, and what is not to be applied. */
export interface Order<P extends Requiring> {
  readonly order: readonly P[];
  readonly refused: ReadonlyMap<P, GatewayDError>;
}

/**
 * Orders plugins: after what they require, then as in the config, then by name. Refuses those whose requirements are
 * not there, do not match, form a cycle, or are refused themselves.
 * @param plugins those that could be imported
 * @param failed names of those that there are, but that will not be loaded
 */
export function orderByRequirements<P extends Requiring>(
  plugins: readonly P[],
  failed: ReadonlySet<string>,
  gatewaydVersion: string,
): Order<P> {
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]));
  const refused = new Map<P, GatewayDError>();
  for (const plugin of plugins) {
    const error = unmet(plugin, byName, failed, gatewaydVersion) ?? cycleThrough(plugin, byName);
    if (error !== null) refused.set(plugin, error);
  }
  const order: P[] = [];
  const placed = new Set<P>();
  const place = (plugin: P): void => {
    if (placed.has(plugin) || refused.has(plugin)) return;
    placed.add(plugin);
    const required = requiredBy(plugin, byName);
    required.sort(byRank).forEach(place);
    const missing = required.find((one) => refused.has(one));
    if (missing === undefined) order.push(plugin);
    else refused.set(plugin, requirementFailed(plugin.name, missing.name));
  };
  [...plugins].sort(byRank).forEach(place);
  return { order, refused };
}

/** What a plugin is told whose requirement is there, but not loaded. */
export function requirementFailed(plugin: string, required: string): GatewayDError {
  return new GatewayDError(pluginErrors.PLUGIN_REQUIREMENT_FAILED, { plugin, required });
}

function byRank(a: Requiring, b: Requiring): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  return a.name < b.name ? -1 : 1;
}

function requiredBy<P extends Requiring>(plugin: P, byName: ReadonlyMap<string, P>): P[] {
  return [...plugin.requires.keys()].flatMap((name) => byName.get(name) ?? []);
}

function unmet(
  { name: plugin, requires }: Requiring,
  byName: ReadonlyMap<string, Requiring>,
  failed: ReadonlySet<string>,
  gatewaydVersion: string,
): GatewayDError | null {
  for (const [required, range] of requires) {
    const version = required === 'gatewayd' ? gatewaydVersion : byName.get(required)?.version;
    if (version === undefined) {
      if (failed.has(required)) return requirementFailed(plugin, required);
      return new GatewayDError(pluginErrors.PLUGIN_REQUIREMENT_MISSING, { plugin, required, range });
    }
    if (!satisfies(version, range, { includePrerelease: true })) {
      return new GatewayDError(pluginErrors.PLUGIN_REQUIREMENT_UNMET, { plugin, required, range, version });
    }
  }
  return null;
}

/** Looks for the shortest way from a plugin back to itself. */
function cycleThrough(plugin: Requiring, byName: ReadonlyMap<string, Requiring>): GatewayDError | null {
  if (plugin.requires.size === 0) return null;
  const cameFrom = new Map<Requiring, Requiring>();
  const queue: Requiring[] = [plugin];
  for (const one of queue) {
    for (const next of requiredBy(one, byName)) {
      if (next === plugin) {
        const way = [plugin.name];
        for (let back: Requiring | undefined = one; back; back = cameFrom.get(back)) way.unshift(back.name);
        return new GatewayDError(pluginErrors.PLUGIN_REQUIREMENT_CYCLE, {
          plugin: plugin.name,
          cycle: way.join(' -> '),
        });
      }
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, one);
      queue.push(next);
    }
  }
  return null;
}
