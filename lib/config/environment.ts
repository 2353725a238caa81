import { environmentName, environmentPrefix } from './environment-name.ts';
import { type PluginSchemas, type Target, targetOf } from './environment-path.ts';
import { environmentValue } from './environment-value.ts';
import { type ConfigIssue, type ConfigPath, nearest, pathText } from './issue.ts';
import { rootNode, type SchemaNode } from './schema-node.ts';
import { fillCounterparts } from './normalise.ts';
import type { Sources } from './sources.ts';
import { isTree, own, type Tree, valueAt } from './tree.ts';

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that set a key. */
export interface KeySet {
  /** Of the variable. */
  readonly name: string;
  readonly path: ConfigPath;
  readonly value: unknown;
  /** What a file, or the variable before it, had said of that key; undefined where nobody had. */
  readonly replaced: unknown;
}

/** What variables did to a configuration. */
export interface AppliedEnvironment {
  readonly issues: readonly ConfigIssue[];
  /** In the order in which they were set. */
  readonly set: readonly KeySet[];
}

/** Those that start with our prefix and set no key: one of the telemetry's own, and those that go-plugin gives to plugins. */
function isNoKey(name: string): boolean {
  return /^GATEWAYD_(TELEMETRY_DEBUG|PLUGIN|PLUGIN_(?!HOST_).*)$/.test(name);
}

function* namesBelow(node: SchemaNode, value: unknown, path: readonly string[]): Generator<readonly string[]> {
  if (node.type !== 'object') yield path;
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    yield* namesBelow(child, isTree(value) ? own(value, key) : undefined, [...path, key]);
  }
  if (typeof node.additionalProperties !== 'object' || !isTree(value)) return;
  for (const [key, inner] of Object.entries(value)) yield* namesBelow(node.additionalProperties, inner, [...path, key]);
}

/** The name of every variable that sets a key of this configuration, in snake case. */
function namesFor(tree: Tree): readonly string[] {
  const plugins = own(tree, 'plugins');
  const rows: readonly unknown[] = Array.isArray(plugins) ? plugins : [];
  const paths = [
    ...namesBelow(rootNode, tree, []),
    ...rows
      .filter(isTree)
      .flatMap((row) =>
        [...namesBelow(rootNode.properties?.['plugins']?.items ?? {}, row, [])].map((path) => [
          'plugins',
          String(own(row, 'name')),
          ...path,
        ]),
      ),
  ];
  return paths.map(environmentName);
}

function unknownVariable(name: string, tree: Tree): ConfigIssue {
  const filled = structuredClone(tree);
  fillCounterparts(filled);
  // Compared without underscores, so that both ways of writing a name are equally near.
  const known = new Map(namesFor(filled).map((candidate) => [candidate.replaceAll('_', ''), candidate]));
  const likely = known.get(nearest(name.replaceAll('_', ''), [...known.keys()]) ?? '');
  return {
    file: name,
    line: null,
    column: null,
    path: '',
    reason: 'sets no key of the configuration',
    ...(likely === undefined ? {} : { nearest: likely }),
    severity: 'warning',
  };
}

function rowNames(tree: Tree): readonly string[] {
  const plugins = own(tree, 'plugins');
  const rows: readonly unknown[] = Array.isArray(plugins) ? plugins : [];
  return rows.filter(isTree).map((row) => String(own(row, 'name')));
}

/** A variable may be for a plugin that has no row; but one that is nearly called like one that has is more likely a slip. */
function strangePlugin(name: string, plugin: string, tree: Tree): readonly ConfigIssue[] {
  const likely = nearest(plugin, rowNames(tree));
  if (likely === undefined) return [];
  const reason = `is for the plugin ${plugin}, which has no row`;
  return [{ file: name, line: null, column: null, path: '', reason, nearest: likely, severity: 'warning' }];
}

/** The index of a plugin's row, which is made where there is none. */
function rowIndex(tree: Tree, plugin: string): number | undefined {
  const plugins = own(tree, 'plugins') ?? (tree['plugins'] = []);
  if (!Array.isArray(plugins)) return undefined;
  const rows = plugins as unknown[];
  const index = rows.findIndex((row) => isTree(row) && own(row, 'name') === plugin);
  return index === -1 ? rows.push({ name: plugin }) - 1 : index;
}

/** Gives a path its value, making the objects on its way; false where something else is in the way. */
function assign(root: Tree, path: Target['path'], value: unknown): boolean {
  let holder: unknown = root;
  for (const step of path.slice(0, -1)) {
    if (Array.isArray(holder)) holder = (holder as unknown[])[Number(step)];
    else if (isTree(holder)) holder = own(holder, String(step)) ?? (holder[String(step)] = {});
    else return false;
  }
  if (!isTree(holder)) return false;
  holder[String(path.at(-1))] = value;
  return true;
}

/**
 * Lets variables override keys, in place. A variable that names no key is a warning; so are two that name the same.
 * An empty one sets text keys only: it is how many tools say that a variable is not set.
 */
export function applyEnvironment(
  tree: Tree,
  environment: Environment,
  sources: Sources,
  schemas: PluginSchemas,
): AppliedEnvironment {
  const issues: ConfigIssue[] = [];
  const set: KeySet[] = [];
  const names = Object.keys(environment).filter((name) => name.startsWith(environmentPrefix));
  for (const name of names.sort()) {
    const text = environment[name];
    if (text === undefined || isNoKey(name)) continue;
    const target = targetOf(name.slice(environmentPrefix.length), tree, schemas);
    if (target === undefined) {
      issues.push(unknownVariable(name, tree));
      continue;
    }
    if (text === '' && target.node !== undefined && target.node.type !== 'string') continue;
    const [section, plugin, ...rest] = target.path;
    if (section === 'plugins' && typeof plugin === 'string') issues.push(...strangePlugin(name, plugin, tree));
    const index = section === 'plugins' && typeof plugin === 'string' ? rowIndex(tree, plugin) : plugin;
    const path = section === 'plugins' && index !== undefined ? ['plugins', index, ...rest] : target.path;
    const replaced = valueAt(tree, path);
    const value = environmentValue(text, target.node, replaced);
    if (!assign(tree, path, value)) continue;
    sources.set(path, () => ({ file: name, line: null, column: null }));
    const other = set.findLast((earlier) => pathText(earlier.path) === pathText(path));
    if (other !== undefined) {
      issues.push(sources.issue(path, 'warning', `is set by ${other.name}, too; the value of ${name} is used`));
    }
    set.push({ name, path, value, replaced });
  }
  return { issues, set };
}
