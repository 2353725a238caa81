import { camelCase, spellings } from './environment-name.ts';
import type { ConfigPath } from './issue.ts';
import { rootNode, type SchemaNode } from './schema-node.ts';
import { isTree, own, type Tree } from './tree.ts';

/** A key that a variable names, and the schema of its value, where there is one. */
export interface Target {
  readonly path: ConfigPath;
  readonly node: SchemaNode | undefined;
}

/** The schemas of the `config` of plugins known beforehand, by the plugin's name. */
export type PluginSchemas = Readonly<Record<string, SchemaNode>>;

/** What is left of a name after one key, for every way in which the name can start with that key. */
function* restsAfter(name: string, key: string): Generator<string> {
  for (const spelling of spellings(key)) {
    if (name === spelling) yield '';
    else if (spelling !== '' && name.startsWith(`${spelling}_`)) yield name.slice(spelling.length + 1);
  }
}

function isValue(node: SchemaNode): boolean {
  return node.type !== 'object';
}

function* inProperties(name: string, node: SchemaNode, tree: unknown, path: ConfigPath): Generator<Target> {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    for (const rest of restsAfter(name, key)) {
      yield* targetsBelow(rest, child, isTree(tree) ? own(tree, key) : undefined, [...path, key]);
    }
  }
}

/** A group or block: one that is there already, the usual one, or else a new one of a single word. */
function* inEntries(name: string, child: SchemaNode, tree: unknown, path: ConfigPath): Generator<Target> {
  const known = isTree(tree) ? Object.keys(tree) : [];
  const [word = ''] = name.split('_');
  const fresh = word === 'CONSTRUCTOR' || word === 'PROTOTYPE' ? [] : [word.toLowerCase()];
  for (const key of new Set([...known, ...fresh])) {
    for (const rest of restsAfter(name, key)) {
      yield* targetsBelow(rest, child, isTree(tree) ? own(tree, key) : undefined, [...path, key]);
    }
  }
}

function* targetsBelow(name: string, node: SchemaNode, tree: unknown, path: ConfigPath): Generator<Target> {
  if (name === '') {
    if (isValue(node)) yield { path, node };
    return;
  }
  if (node.properties !== undefined) yield* inProperties(name, node, tree, path);
  if (typeof node.additionalProperties === 'object') yield* inEntries(name, node.additionalProperties, tree, path);
  if (node.additionalProperties === true) yield { path: [...path, camelCase(name)], node: undefined };
}

/** A key inside a plugin's own config: one that is there or in the plugin's schema, or else the rest in camel case. */
function* inPluginConfig(
  name: string,
  node: SchemaNode | undefined,
  tree: unknown,
  path: ConfigPath,
): Generator<Target> {
  const inTree = isTree(tree) ? Object.keys(tree) : [];
  for (const key of new Set([...inTree, ...Object.keys(node?.properties ?? {})])) {
    const child = node?.properties?.[key];
    const value = isTree(tree) ? own(tree, key) : undefined;
    for (const rest of restsAfter(name, key)) {
      if (rest !== '') yield* inPluginConfig(rest, child, value, [...path, key]);
      else if (!isTree(value) && child?.type !== 'object') yield { path: [...path, key], node: child };
    }
  }
  // Inside something that is known to be a value there is no key.
  if (/^[A-Z0-9_]+$/.test(name) && (isTree(tree) || tree === undefined)) {
    const key = camelCase(name);
    if (!['constructor', 'prototype', ''].includes(key)) yield { path: [...path, key], node: undefined };
  }
}

function* inRow(name: string, row: unknown, path: ConfigPath, schema: SchemaNode | undefined): Generator<Target> {
  const node = rootNode.properties?.['plugins']?.items;
  if (node === undefined) return;
  for (const rest of restsAfter(name, 'config')) {
    if (rest !== '')
      yield* inPluginConfig(rest, schema, isTree(row) ? own(row, 'config') : undefined, [...path, 'config']);
  }
  yield* inProperties(name, node, row, path);
}

function rowName(row: unknown): string {
  const name = isTree(row) ? own(row, 'name') : undefined;
  return typeof name === 'string' ? name : '';
}

function* inRows(name: string, tree: Tree, schemas: PluginSchemas): Generator<Target> {
  const plugins = own(tree, 'plugins');
  const rows: readonly unknown[] = Array.isArray(plugins) ? plugins : [];
  for (const [index, row] of rows.entries()) {
    for (const rest of restsAfter(name, rowName(row))) {
      yield* inRow(rest, row, ['plugins', index], own(schemas, rowName(row)) as SchemaNode | undefined);
    }
  }
  for (const plugin of Object.keys(schemas)) {
    if (rows.some((row) => rowName(row) === plugin)) continue;
    for (const rest of restsAfter(name, plugin)) yield* inRow(rest, {}, ['plugins', plugin], schemas[plugin]);
  }
  // A plugin that has no row yet: as few words as possible are its name.
  const words = name.split('_');
  for (let count = 1; count < words.length; count += 1) {
    const plugin = words.slice(0, count).join('-').toLowerCase();
    if (plugin !== '') yield* inRow(words.slice(count).join('_'), {}, ['plugins', plugin], undefined);
  }
}

/**
 * The key that the name of a variable, without its prefix, stands for; the first that fits. Where a plugin has no row
 * yet, its name stands in the path in place of the row's index.
 */
export function targetOf(name: string, tree: Tree, schemas: PluginSchemas): Target | undefined {
  for (const rest of restsAfter(name, 'plugins')) {
    for (const target of inRows(rest, tree, schemas)) return target;
  }
  for (const target of targetsBelow(name, rootNode, tree, [])) return target;
  // GatewayD reads the keys at the top of its plugins file without a section.
  const pluginHost = rootNode.properties?.['pluginHost'];
  if (pluginHost === undefined) return undefined;
  for (const target of inProperties(name, pluginHost, own(tree, 'pluginHost'), ['pluginHost'])) return target;
  return undefined;
}
