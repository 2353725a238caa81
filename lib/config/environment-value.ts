import { isDuration, type SchemaNode } from './schema-node.ts';
import { own } from './tree.ts';
import { readYaml } from './yaml-tree.ts';

const words: Readonly<Record<string, boolean>> = {
  true: true,
  t: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  f: false,
  no: false,
  off: false,
  '0': false,
};

const isNumber = (text: string) =>
  /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text) && Number.isFinite(Number(text));

function list(text: string, items: SchemaNode | undefined): unknown {
  if (!text.startsWith('[')) {
    const parts = text.split(',').map((part) => part.trim());
    return parts.filter((part) => part !== '').map((part) => environmentValue(part, items, undefined));
  }
  const { tree, issues } = readYaml(`list: ${text}`, '');
  return tree === null || issues.length > 0 ? text : own(tree, 'list');
}

/** What the schema calls the kind of a value that is there already. */
function kindOf(current: unknown): string {
  if (Array.isArray(current)) return 'array';
  if (typeof current === 'string' || typeof current === 'boolean' || typeof current === 'number') return typeof current;
  return 'unknown';
}

function guess(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return isNumber(text) ? Number(text) : text;
}

/**
 * The text of a variable as the kind of value that its key takes: by the schema, or else by what the key holds now, or
 * else by its looks. Text that is none stays text, for the check of the whole configuration to complain of.
 */
export function environmentValue(text: string, node: SchemaNode | undefined, current: unknown): unknown {
  if (isDuration(node)) return /^-?\d+$/.test(text) && text !== '0' ? Number(text) : text;
  const kind = typeof node?.type === 'string' ? node.type : kindOf(current);
  switch (kind) {
    case 'string':
      return text;
    case 'boolean':
      return own(words, text.toLowerCase()) ?? text;
    case 'integer':
    case 'number':
      return isNumber(text) ? Number(text) : text;
    case 'array':
      return list(text, node?.items);
    default:
      return guess(text);
  }
}
