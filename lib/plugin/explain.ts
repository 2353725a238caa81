import { hookCatalogue, type HookKind } from '../hooks/catalogue.ts';
import type { HookName, Hooks } from '../hooks/hooks.ts';
import { tapsInOrder, type PlacedTap } from '../hooks/tap-order.ts';

/**
 * Which rule puts a tap behind the one before it:
 * - `first`: nothing is before it
 * - `before`: the one before it, or itself, named the other in `before`
 * - `stage`: its stage is higher
 * - `plugin`: the same plugin tapped it later
 * - `requires`: its plugin requires the other one's, itself or by way of others
 * - `required`: another plugin that is applied earlier requires the other one's
 * - `built-in`: its plugin comes with gatewayd, and those are applied after all others
 * - `row`: its plugin's row stands later in the config, or it has none
 * - `name`: neither plugin has a row, and names decide
 * - `tapped`: it was tapped later, after the plugins were applied; or one of the two is gatewayd's own
 */
export type OrderRule =
  'first' | 'before' | 'stage' | 'plugin' | 'requires' | 'required' | 'built-in' | 'row' | 'name' | 'tapped';

/** One tap of a hook, and why it stands where it does. */
export interface ExplainedTap {
  /** Its name on the bus: `plugin`, or `plugin:tap`. */
  readonly tap: string;
  /** Null for a tap of gatewayd's own. */
  readonly plugin: string | null;
  readonly version: string | null;
  readonly stage: number;
  /** What it asked to run before, as its plugin wrote it; what is not there was passed over. */
  readonly before: readonly string[];
  readonly rule: OrderRule;
  /** The rule in words. */
  readonly why: string;
}

/** The order of one hook's taps. */
export interface ExplainedHook {
  readonly hook: HookName;
  readonly kind: HookKind;
  /** First called first. */
  readonly taps: readonly ExplainedTap[];
}

/** As much of a plugin as the order of taps depends on. */
export interface OrderedPlugin {
  readonly name: string;
  readonly version: string;
  readonly requires: ReadonlyMap<string, string>;
  /** The place of its row in the config; Infinity without a row. */
  readonly rank: number;
  /** Whether it is applied after all others, as built-in ones are that nothing depends on. */
  readonly late: boolean;
}

type Reason = readonly [rule: OrderRule, why: string];

/**
 * The order in which the taps of a hook are called, and why: by `before`, by stage, and within a stage as the plugins
 * were applied, which their requirements, their rows and their names decide.
 * @param plugins in the order in which they were applied
 * @param hook leave it out for all hooks that have taps
 */
export function explain(bus: Hooks, plugins: readonly OrderedPlugin[], hook?: HookName): readonly ExplainedHook[] {
  const hooks = hook === undefined ? (Object.keys(bus) as HookName[]).filter((name) => bus[name].isUsed()) : [hook];
  return hooks.map((name) => ({
    hook: name,
    kind: hookCatalogue[name].kind,
    taps: explainTaps(tapsInOrder(bus, name), plugins),
  }));
}

function explainTaps(taps: readonly PlacedTap[], plugins: readonly OrderedPlugin[]): readonly ExplainedTap[] {
  return taps.map((tap, index) => {
    const [rule, why] = reasonFor(tap, taps[index - 1], plugins);
    const plugin = pluginOf(tap, plugins);
    return {
      tap: tap.name,
      plugin: tap.origin?.plugin ?? null,
      version: plugin?.version ?? null,
      stage: tap.stage,
      before: tap.origin?.before ?? [],
      rule,
      why,
    };
  });
}

function reasonFor(tap: PlacedTap, previous: PlacedTap | undefined, plugins: readonly OrderedPlugin[]): Reason {
  const asked = tap.origin?.aheadOf ?? [];
  const ahead = asked.length === 0 ? '' : `; it asked to run before ${asked.join(', ')}`;
  if (previous === undefined)
    return asked.length === 0 ? ['first', 'nothing is before it'] : ['before', ahead.slice(2)];
  const [rule, why] = placeAfter(tap, previous, plugins);
  return [rule, `${why}${ahead}`];
}

function placeAfter(tap: PlacedTap, previous: PlacedTap, plugins: readonly OrderedPlugin[]): Reason {
  if (previous.origin?.aheadOf.includes(tap.name)) return ['before', `${previous.name} asked to run before it`];
  if (tap.stage > previous.stage) return ['stage', `stage ${tap.stage} comes after stage ${previous.stage}`];
  const plugin = pluginOf(tap, plugins);
  const other = pluginOf(previous, plugins);
  if (plugin === undefined || other === undefined) return ['tapped', `it was tapped later than ${previous.name}`];
  if (plugin === other) return ['plugin', `${plugin.name} tapped it after ${previous.name}`];
  if (plugins.indexOf(plugin) < plugins.indexOf(other)) return ['tapped', `it was tapped later than ${previous.name}`];
  return applyOrder(plugin, other, plugins);
}

/** Why `plugin` was applied after `other`. */
function applyOrder(plugin: OrderedPlugin, other: OrderedPlugin, plugins: readonly OrderedPlugin[]): Reason {
  if (requires(plugin, other.name, plugins)) return ['requires', `${plugin.name} requires ${other.name}`];
  if (plugin.late) {
    return ['built-in', `${plugin.name} comes with gatewayd, and is applied after all other plugins`];
  }
  if (other.rank < plugin.rank) {
    const row = Number.isFinite(plugin.rank) ? 'stands later in the config than' : 'is missing in the config, unlike';
    return ['row', `the row of ${plugin.name} ${row} that of ${other.name}`];
  }
  if (other.rank === plugin.rank && other.name < plugin.name) {
    return ['name', `neither has a row in the config, and ${other.name} comes before ${plugin.name} by name`];
  }
  const dependent = plugins.find((one) => requires(one, other.name, plugins) && before(one, plugin));
  return ['required', `${dependent?.name ?? 'another plugin'}, which comes earlier, requires ${other.name}`];
}

const before = (one: OrderedPlugin, other: OrderedPlugin): boolean =>
  one.rank < other.rank || (one.rank === other.rank && one.name < other.name);

/** Whether a plugin requires another, itself or by way of others. */
function requires(plugin: OrderedPlugin, name: string, plugins: readonly OrderedPlugin[]): boolean {
  const seen = new Set<string>();
  const queue = [plugin];
  for (const one of queue) {
    for (const required of one.requires.keys()) {
      if (required === name) return true;
      const next = plugins.find((candidate) => candidate.name === required);
      if (next === undefined || seen.has(required)) continue;
      seen.add(required);
      queue.push(next);
    }
  }
  return false;
}

function pluginOf({ origin }: PlacedTap, plugins: readonly OrderedPlugin[]): OrderedPlugin | undefined {
  return plugins.find(({ name }) => name === origin?.plugin);
}
