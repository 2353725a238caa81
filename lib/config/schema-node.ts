import type { ConfigPath } from './issue.ts';
import { configSchema } from './schema.ts';

/** A node of `configSchema`, or of the schema of a plugin's `config`, as far as this room reads it. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly items?: SchemaNode;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly default?: unknown;
  readonly patternErrorMessage?: string;
}

/** The whole schema as a node. */
export const rootNode: SchemaNode = configSchema;

/** The schema of what stands at a key of an object or an index of a list, where the schema says anything about it. */
export function childNode(node: SchemaNode | undefined, step: string | number): SchemaNode | undefined {
  if (node === undefined) return undefined;
  if (typeof step === 'number') return node.items;
  if (node.properties !== undefined && Object.hasOwn(node.properties, step)) return node.properties[step];
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
}

/** The schema of the value at a path. */
export function nodeAt(path: ConfigPath): SchemaNode | undefined {
  return path.reduce<SchemaNode | undefined>(childNode, rootNode);
}

/** Whether a node is a duration. */
export function isDuration(node: SchemaNode | undefined): boolean {
  return node?.format === 'duration-or-nanoseconds';
}
