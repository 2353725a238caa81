import { configSchema } from '../../lib/config/schema.ts';
import { isDuration, type SchemaNode } from '../../lib/config/schema-node.ts';
import { stillToCome } from '../../lib/config/still-to-come.ts';

type Described = SchemaNode & { readonly description?: string };

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function kindOf(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((word) => `\`${String(word)}\``).join(', ');
  if (isDuration(node)) return 'duration';
  if (node.type === 'array') return node.items?.enum === undefined ? 'list' : `list of ${kindOf(node.items)}`;
  return { string: 'text', integer: 'whole number', boolean: 'true or false' }[String(node.type)] ?? String(node.type);
}

function* rowsOf(node: SchemaNode, path: readonly string[]): Generator<string> {
  for (const [key, child] of Object.entries(node.properties ?? {}) as [string, Described][]) {
    const inner = [...path, key];
    if (child.type === 'object' && child.properties !== undefined) yield* rowsOf(child, inner);
    else {
      const standard = child.default === undefined ? '' : `\`${JSON.stringify(child.default)}\``;
      const kind = child.type === 'object' ? 'keys and values' : kindOf(child);
      yield `| \`${inner.join('.')}\` | ${cell(kind)} | ${standard} | ${cell(child.description ?? '')} |`;
    }
    if (child.items?.properties !== undefined) yield* rowsOf(child.items, [...path, `${key}[]`]);
  }
}

/** The node below a section that has keys, and how the way to it is written. */
function holderOf(name: string, node: Described): readonly [string, Described] {
  if (node.items !== undefined) return [`${name}[]`, node.items];
  const groups = node.additionalProperties as Described | undefined;
  if (typeof groups !== 'object') return [name, node];
  const blocks = groups.additionalProperties;
  return typeof blocks === 'object' ? [`${name}.<group>.<block>`, blocks] : [`${name}.<group>`, groups];
}

/** A table for each section of gatewayd.yaml, in Markdown. */
export function configurationTables(): string {
  const sections = Object.entries(configSchema.properties as Record<string, Described>);
  const parts = sections.map(([name, node]) => {
    const [path, holder] = holderOf(name, node);
    const rows = [...rowsOf(holder, [])];
    const table = ['| key | value | default | meaning |', '| --- | --- | --- | --- |', ...rows];
    return [
      `## ${name}`,
      '',
      node.description ?? '',
      ...(rows.length === 0 ? [] : ['', `Keys of \`${path}\`:`, '', ...table]),
    ];
  });
  const waiting = [...new Set(stillToCome.map(({ name }) => name))].map((name) => {
    const keys = stillToCome.filter((feature) => feature.name === name).flatMap((feature) => feature.keys);
    return `- ${name}: ${keys.map((key) => `\`${key.replace('!default', '<other than default>')}\``).join(', ')}`;
  });
  return [...parts.map((lines) => lines.join('\n')), ['## Still to come', '', ...waiting].join('\n')].join('\n\n');
}
