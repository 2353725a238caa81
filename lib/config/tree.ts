import type { ConfigPath } from './issue.ts';
import { childNode, type SchemaNode } from './schema-node.ts';

/** A configuration on its way to becoming a GlobalConfig: plain objects, lists and scalars. */
export type Tree = Record<string, unknown>;

/** Whether a value is an object with keys, and not a list. */
export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a key of the object's own. */
export function own(tree: Readonly<Tree>, key: string): unknown {
  return Object.hasOwn(tree, key) ? tree[key] : undefined;
}

/** The value at a path; undefined where there is none. */
export function valueAt(root: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((value, step) => {
    if (Array.isArray(value)) return typeof step === 'number' ? (value as unknown[])[step] : undefined;
    return isTree(value) ? own(value, String(step)) : undefined;
  }, root);
}

/** Calls `visit` with every value below `value`, its path and what the schema says of it; the outer ones first. */
export function walk(
  value: unknown,
  node: SchemaNode | undefined,
  visit: (value: unknown, node: SchemaNode | undefined, path: ConfigPath) => void,
  path: ConfigPath = [],
): void {
  visit(value, node, path);
  const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(value)
    ? [...(value as unknown[]).entries()]
    : isTree(value)
      ? Object.entries(value)
      : [];
  for (const [step, inner] of entries) walk(inner, childNode(node, step), visit, [...path, step]);
}

/** The value, frozen all through. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
