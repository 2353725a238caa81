import { formatDuration } from './durations.ts';
import type { ConfigIssue, ConfigPath } from './issue.ts';
import { isDuration, rootNode, type SchemaNode } from './schema-node.ts';
import type { Sources } from './sources.ts';
import { isTree, own, type Tree, valueAt, walk } from './tree.ts';

/**
 * Takes keys without a value out, in place: they are as if not written. A group or block without anything in it is one
 * with all its defaults. What is in a plugin's own config is left as it is.
 */
export function dropEmpty(value: unknown, node: SchemaNode = rootNode): void {
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) if (node.items !== undefined) dropEmpty(item, node.items);
    return;
  }
  if (!isTree(value) || node.additionalProperties === true) return;
  for (const [key, inner] of Object.entries(value)) {
    const property = own(node.properties ?? {}, key) as SchemaNode | undefined;
    const entry = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
    if (inner !== null) dropEmpty(inner, property ?? entry ?? { additionalProperties: true });
    else if (property !== undefined) delete value[key];
    else if (entry !== undefined) value[key] = {};
  }
}

/** Adds the group that each section has when it says nothing, in place. */
export function fillSections(tree: Tree): void {
  for (const section of ['loggers', 'metrics']) tree[section] = own(tree, section) ?? { default: {} };
  const { loggers } = tree;
  // The one that gatewayd writes to is always there.
  if (isTree(loggers)) loggers['default'] = own(loggers, 'default') ?? {};
  tree['clients'] = own(tree, 'clients') ?? { default: { writes: {} } };
}

/** Adds the pool and the proxy of each database, and the server where none is named, in place. */
export function fillCounterparts(tree: Tree): void {
  const { clients } = tree;
  if (!isTree(clients)) return;
  for (const section of ['pools', 'proxies']) {
    const counterparts = own(tree, section) ?? (tree[section] = {});
    if (!isTree(counterparts)) continue;
    for (const [group, blocks] of Object.entries(clients)) {
      const filled = own(counterparts, group) ?? (counterparts[group] = {});
      if (!isTree(filled) || !isTree(blocks)) continue;
      for (const block of Object.keys(blocks)) filled[block] = own(filled, block) ?? {};
    }
  }
  const groups = Object.keys(clients);
  const only = groups.length === 1 ? groups[0] : undefined;
  tree['servers'] = own(tree, 'servers') ?? { [only ?? 'default']: {} };
}

/** Turns durations written as integers, which are nanoseconds, into text, in place; very short ones are most likely a mistake. */
export function writeDurations(tree: Tree, sources: Sources): readonly ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const found: (readonly [ConfigPath, number])[] = [];
  walk(tree, rootNode, (value, node, path) => {
    if (isDuration(node) && typeof value === 'number') found.push([path, value]);
  });
  for (const [path, value] of found) {
    const holder = valueAt(tree, path.slice(0, -1));
    if (isTree(holder)) holder[String(path.at(-1))] = formatDuration(BigInt(value));
    if (value === 0 || value >= 1_000_000) continue;
    const reason = `is ${value} nanoseconds: without a unit, a duration counts those; ${value} seconds are ${value}s`;
    issues.push(sources.issue(path, 'warning', reason));
  }
  return issues;
}
