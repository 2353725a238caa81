import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { chartOf } from './chart.ts';
import type { Outcome } from './measurements.ts';
import type { Peer } from './peer.ts';

const documents = fileURLToPath(new URL('../../docs/', import.meta.url));

/** What each figure is compared to, where the comparison is what counts. */
const comparison: Readonly<Record<string, string>> = {
  tps: 'PgBouncer',
  'CPU us/tx': 'PgBouncer',
  'p50 added us': 'PgBouncer',
  'MB/s': 'direct',
};

/** The figures of an outcome as a table in Markdown, each with its ratio to what it is compared to. */
export function formatTable({ peers }: Outcome): string {
  const names = Object.keys(peers[0]?.figures ?? {});
  const rows = peers.map(({ peer, figures }) => [
    peer,
    ...names.map((name) => formatFigure(figures[name] ?? Number.NaN, baseOf(peers, name))),
  ]);
  const heads = names.map((name) => (comparison[name] === undefined ? name : `${name} (to ${comparison[name]})`));
  const lines = [['', ...heads], ['---', ...names.map(() => '--:')], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function baseOf(peers: Outcome['peers'], figure: string): number | undefined {
  const name = comparison[figure];
  return name === undefined ? undefined : peers.find(({ peer }) => peer === name)?.figures[figure];
}

function formatFigure(value: number, base: number | undefined): string {
  const text = value >= 100 ? value.toFixed(0) : value.toFixed(1);
  if (value === 0 || !Number.isFinite(value)) return '–';
  return base === undefined || base === 0 ? text : `${text} (${(value / base).toFixed(2)})`;
}

/**
 * Writes what was measured into docs/benchmarks.md, each piece between its own marks, so that one can be measured anew
 * without the others; and a chart of a throughput beside it.
 */
export async function writeDocument(
  outcomes: ReadonlyMap<string, readonly Outcome[]>,
  peers: readonly Peer[],
): Promise<void> {
  const file = `${documents}benchmarks.md`;
  let text = readFileSync(file, 'utf8');
  for (const [piece, measured] of outcomes) {
    const chart = `benchmarks-${piece}.svg`;
    const charted = measured.some(({ peers: measuredPeers }) => measuredPeers[0]?.figures['tps'] !== undefined);
    if (charted) writeFileSync(`${documents}${chart}`, chartOf(measured));
    const image = charted ? `![Transactions a second and CPU time for each, peer by peer](${chart})\n\n` : '';
    text = replaced(text, piece, image + describe(measured, peers));
  }
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), parser: 'markdown' }));
}

function replaced(text: string, piece: string, by: string): string {
  const marked = new RegExp(`(<!-- peers:${piece} -->)[^]*?(<!-- /peers:${piece} -->)`);
  if (!marked.test(text)) throw new Error(`docs/benchmarks.md has no place for ${piece}`);
  return text.replace(marked, (_, begin: string, end: string) => `${begin}\n\n${by}\n\n${end}`);
}

function describe(outcomes: readonly Outcome[], peers: readonly Peer[]): string {
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`;
  const versions = peers.map(({ name, version }) => `${name}: ${version}`).join('; ');
  const day = new Date().toISOString().slice(0, 10);
  const tables = outcomes.map((outcome) => `**${outcome.title}** (\`${outcome.how}\`)\n\n${formatTable(outcome)}`);
  return [...tables, `_${day}, ${machine}. ${versions}._`].join('\n\n');
}
