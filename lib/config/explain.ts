import { type ConfigIssue, type ConfigPath, nearest } from './issue.ts';
import { nodeAt, type SchemaNode } from './schema-node.ts';
import type { Sources } from './sources.ts';
import { valueAt } from './tree.ts';
import type { SchemaFault } from './validator.ts';

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys and values',
};

function pathOf(fault: SchemaFault, tree: unknown): ConfigPath {
  const steps = fault.instancePath.split('/').slice(1);
  const path: (string | number)[] = [];
  for (const step of steps) {
    const text = step.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(valueAt(tree, path)) ? Number(text) : text);
  }
  return path;
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return kinds[typeof value] ?? typeof value;
}

function wrongKind(value: unknown, node: SchemaNode | undefined): string {
  if (node?.patternErrorMessage !== undefined) return node.patternErrorMessage;
  const wanted = kinds[String(node?.type)] ?? String(node?.type);
  const quote = node?.type === 'string' && typeof value !== 'object' ? '; put it in quotes' : '';
  const broken = node?.type === 'integer' && typeof value === 'number';
  return `must be ${wanted}, and is ${broken ? 'a fraction' : kindOf(value)}${quote}`;
}

/** The reason for each keyword of ours. Values are not repeated but where they are words of a list: some are secrets. */
function reasonOf({ keyword, params, message }: SchemaFault, value: unknown, node: SchemaNode | undefined): string {
  switch (keyword) {
    case 'type':
      return wrongKind(value, node);
    case 'pattern':
      return node?.patternErrorMessage ?? String(message);
    case 'minimum':
      return node?.patternErrorMessage ?? `must be ${String(params['limit'])} or more, and is ${String(value)}`;
    case 'maximum':
      return `must be ${String(params['limit'])} or less, and is ${String(value)}`;
    case 'minLength':
      return 'must not be empty';
    case 'minItems':
      return 'must have at least one entry';
    case 'uniqueItems':
      return 'must not name the same twice';
    default:
      return String(message);
  }
}

/** The path of what is at fault: of the key itself where it is one too many. */
export function faultyPath(fault: SchemaFault, tree: unknown): ConfigPath {
  const path = pathOf(fault, tree);
  return fault.keyword === 'additionalProperties' ? [...path, String(fault.params['additionalProperty'])] : path;
}

/** A fault that the validator found, said so that the writer of the file knows what to do. */
export function explain(fault: SchemaFault, tree: unknown, sources: Sources): ConfigIssue {
  const path = faultyPath(fault, tree);
  const value = valueAt(tree, path);
  const node = nodeAt(path);
  switch (fault.keyword) {
    case 'additionalProperties': {
      const known = Object.keys(nodeAt(path.slice(0, -1))?.properties ?? {});
      const hint = { nearest: nearest(String(path.at(-1)), known), at: 'key' } as const;
      return sources.issue(path, 'error', 'is no key that gatewayd knows', hint);
    }
    case 'required':
      return sources.issue(path, 'error', `lacks the key ${String(fault.params['missingProperty'])}`);
    case 'enum': {
      const allowed = (fault.params['allowedValues'] as readonly unknown[]).map(String);
      const reason = `must be one of ${allowed.join(', ')}`;
      return sources.issue(path, 'error', reason, { nearest: nearest(String(value), allowed) });
    }
    default:
      return sources.issue(path, 'error', reasonOf(fault, value, node));
  }
}
