import type { ConfigPath } from './issue.ts';
import { childNode, type SchemaNode } from './schema-node.ts';

/** A configuration on its way to becoming a GlobalConfig: plain objects, lists and scalars. */
export type Tree = Record<string, unknown>;

/** Whether a value is an object with keys, and not a list or something with a life of its own, such as a Map. */
export function isTree(value: unknown): value is Tree {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
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

/** Calls `visit` with every value that the schema says something of, and its path; the outer ones first. */
export function walk(
  value: unknown,
  node: SchemaNode | undefined,
  visit: (value: unknown, node: SchemaNode, path: ConfigPath) => void,
  path: ConfigPath = [],
): void {
  if (node === undefined) return;
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
  // Views of bytes are the one kind of object that cannot be frozen.
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    for (const key of Reflect.ownKeys(value)) deepFreeze((value as Record<PropertyKey, unknown>)[key]);
  }
  return value;
}
