import type { Status } from '../gatewayd/status.ts';
import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, jsonFlag, pluginConfigFlag } from './flags.ts';
import { askRunning } from './running.ts';
import { printable } from './terminal.ts';

/** `gatewayd plugin status` */
export const pluginStatusCommand = defineCommand({
  name: 'plugin status',
  describe: 'Show how the plugins do in the gatewayd that runs: calls, failures and times',
  flags: { ...configFlag, ...pluginConfigFlag, ...jsonFlag },
  async run(flags) {
    const status = await askRunning<Status>(flags, 'status');
    process.stdout.write(flags.json ? `${JSON.stringify(status, null, 2)}\n` : text(status));
    return exitCodes.ok;
  },
});

const heading = ['hook', 'calls', 'failed', 'left out', 'p50', 'p99', 'breaker'];

function text({ version, pid, generation, generations, plugins }: Status): string {
  const sessions = generations.map(({ number, sessions: count }) => `${count} in generation ${number}`).join(', ');
  const blocks = plugins.filter(({ state }) => state !== 'disabled').map(blockOf);
  return [`gatewayd ${version}, process ${pid}, generation ${generation}`, `Sessions: ${sessions}`, ...blocks, ''].join(
    '\n',
  );
}

const places = { none: '', worker: ', in a thread of its own', process: ', in a process of its own' };

function blockOf({ name, version, state, isolation, demoted, error, hooks }: Status['plugins'][number]): string {
  const why = demoted === null ? '' : `: it ${printable(demoted)}`;
  const title = `\n${printable(name)} ${version ?? ''} ${state}${places[isolation]}${why}`;
  if (error !== null) return `${title}: ${printable(error.message)}\n  ${printable(error.mend)}`;
  const rows = hooks.map(({ hook, calls, errors, skipped, p50Ms, p99Ms, breaker }) => [
    hook,
    String(calls),
    String(errors),
    String(skipped),
    duration(p50Ms),
    duration(p99Ms),
    breaker,
  ]);
  return [title, ...(rows.length === 0 ? [] : aligned([heading, ...rows]))].join('\n');
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = heading.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    return `  ${cells.join('  ')}`;
  });
}

const duration = (milliseconds: number): string => `${Number(milliseconds.toPrecision(2))} ms`;
