import type { Trust } from '../hooks/loaded-plugin.ts';
import type { PluginReport } from '../plugin/report.ts';
import { printable, styled, type Terminal, wrapped } from './terminal.ts';

const trustTexts: Readonly<Record<Trust, string>> = {
  pinned: 'pinned by the config',
  locked: 'as in plugins.lock',
  'first-use': 'new, now in plugins.lock',
  unverified: 'not verified',
  'built-in': 'comes with gatewayd',
};

/** What was only looked at is in no lock file yet. */
function trustText(trust: Trust, state: PluginReport['state']): string {
  return trust === 'first-use' && state === 'found' ? 'new, trusted at the next start' : trustTexts[trust];
}

interface Row {
  readonly cells: readonly string[];
  readonly faint: boolean;
}

function rowOf(report: PluginReport, withTimes: boolean): Row {
  const { name, version, checksum, trust, state, milliseconds } = report;
  const trusted = state === 'disabled' ? 'turned off' : trust === null ? '' : trustText(trust, state);
  const time = milliseconds === null ? '' : `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
  const cells = [name, version ?? '', checksum?.slice(0, 12) ?? '', trusted, ...(withTimes ? [time] : [])];
  return { cells: cells.map(printable), faint: state === 'disabled' };
}

/**
 * The plugins as a table, each with its version, the first twelve digits of its checksum, how it is trusted and how
 * long it took to load where any did; the failed ones below it, with what to do.
 */
export async function pluginTable(reports: readonly PluginReport[], terminal: Terminal): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const failed = reports.filter(({ state }) => state === 'failed');
  const withTimes = reports.some(({ milliseconds }) => milliseconds !== null);
  const rows = reports.filter(({ state }) => state !== 'failed').map((report) => rowOf(report, withTimes));
  const failures = failed.length === 0 ? '' : pluginFailures(failed, terminal);
  if (rows.length === 0) return failures;
  const head = ['Plugin', 'Version', 'SHA-256', 'Trust', ...(withTimes ? ['Loaded in'] : [])];
  const table = new Table({
    head: head.map((title) => styled(terminal, 'bold', title)),
    style: { head: [], border: [] },
    colAligns: ['left', 'left', 'left', 'left', 'right'],
  });
  for (const { cells, faint } of rows) table.push(cells.map((cell) => (faint ? styled(terminal, 'dim', cell) : cell)));
  const drawn = table.toString();
  // Wrapped by the terminal, a frame is unreadable.
  const fits = (drawn.split('\n', 1)[0] ?? '').length <= terminal.width;
  const text = fits ? drawn : rows.map(({ cells }) => cells.filter(Boolean).join('  ')).join('\n');
  return `${text}\n${failures === '' ? '' : `\n${failures}`}`;
}

/** What keeps plugins from being loaded, and what to do about it. */
export function pluginFailures(failed: readonly PluginReport[], terminal: Terminal): string {
  const blocks = failed.map(({ name, error }) => {
    const title = `${styled(terminal, ['red', 'bold'], '✖')} ${printable(name)}  ${error?.code ?? ''}`;
    const lines = [error?.message ?? '', error?.mend ?? ''].filter(Boolean);
    return [title, ...lines.map((line) => wrapped(printable(line), terminal, 2))].join('\n  ');
  });
  return `${blocks.join('\n')}\n`;
}

/** The plugins for programs. */
export function pluginJson(reports: readonly PluginReport[]): string {
  const plain = reports.map(({ error, ...rest }) =>
    error === undefined ? rest : { ...rest, error: { code: error.code, message: error.message, mend: error.mend } },
  );
  return `${JSON.stringify(plain, null, 2)}\n`;
}
