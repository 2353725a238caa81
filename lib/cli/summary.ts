import path from 'node:path';
import type { Started } from '../gatewayd/started.ts';
import { pluginTable } from './plugin-table.ts';
import { printable, styled, type Terminal, wrapped } from './terminal.ts';

const labelWidth = 12;

/**
 * What `run` prints on a terminal once every server listens: what runs, how to use it, and what is reported about it.
 * The launcher is what to type for it.
 */
export async function summary(started: Started, terminal: Terminal, launcher = launcherName()): Promise<string> {
  const line = (label: string, text: string): string =>
    `${styled(terminal, 'dim', label.padEnd(labelWidth))}${wrapped(printable(text), terminal, labelWidth)}`;
  const paste = started.servers.map(({ name, address }) => {
    const label = styled(terminal, 'dim', 'Connect'.padEnd(labelWidth));
    return `${label}${styled(terminal, 'cyan', psqlLine(name, address, started))}`;
  });
  const plugins = await pluginTable(started.reports, terminal);
  const parts = [
    `${styled(terminal, 'bold', `gatewayd ${started.version}`)} is ready after ${started.milliseconds} ms`,
    line('Config', started.configFile ?? 'none was found, so the defaults apply; `gatewayd config init` writes one'),
    ...(started.devMode ? [line('Mode', 'development: plugins are taken as they are, nothing is verified')] : []),
    ...started.databases.map(({ name, address, embedded }) =>
      line('Database', `${embedded ? `a PostgreSQL of our own, at ${address}` : address} (${name})`),
    ),
    '',
    plugins === '' ? 'No plugins.\n' : plugins,
    ...paste,
    ...telemetryLines(started, launcher).map((text, index) => line(index === 0 ? 'Telemetry' : '', text)),
  ];
  return `\n${parts.join('\n')}\n\n`;
}

/**
 * A command to paste into another terminal. Of a database that is not ours, psql's own defaults are the best guess;
 * who may log in at gatewayd itself is for the reader to fill in.
 */
function psqlLine(server: string, address: string, { databases }: Started): string {
  const behind = databases.find(({ name, database }) => database !== undefined && name.startsWith(`${server}.`));
  const settings = {
    ...connectTo(address),
    ...(behind?.database === undefined ? {} : { user: behind.user ?? 'NAME', dbname: behind.database }),
  };
  const text = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  return `psql "${text.join(' ')}"`;
}

function connectTo(address: string): { host: string; port: string } {
  if (address.startsWith('/')) {
    const port = /\.s\.PGSQL\.(\d+)$/.exec(address)?.[1] ?? '5432';
    return { host: path.dirname(address), port };
  }
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  // Listening everywhere includes here.
  const here = new Map([
    ['0.0.0.0', '127.0.0.1'],
    ['', '127.0.0.1'],
    ['::', '::1'],
  ]);
  return { host: here.get(host) ?? host, port };
}

function telemetryLines({ telemetry, notice, ...started }: Started, launcher: string): string[] {
  const { usageReport, sentry, usageReportAddress, errorsTo } = telemetry;
  const report = usageReport.on
    ? `one anonymous usage report (versions, system, plugins and their checksums) goes to ${usageReportAddress}.`
    : `no usage report (${usageReport.why}).`;
  const errors = sentry.on ? recipients(errorsTo) : `No error reports (${sentry.why}).`;
  if (notice !== null) return [`${notice}.`, errors];
  return [
    `${report} ${errors}`,
    `See it exactly: ${showCommand(started, launcher)}`,
    ...(usageReport.on || sentry.on
      ? ['Turn it off: DO_NOT_TRACK=1, --usage-report=false, `gatewayd telemetry disable`, or the config']
      : []),
  ];
}

function recipients({ operator, authors }: Started['telemetry']['errorsTo']): string {
  if (!authors) return 'Errors go to your Sentry.';
  const theirs = 'those of plugins whose row has a sentryDsn';
  return operator
    ? `Errors go to your Sentry, ${theirs} to that one, too.`
    : `No errors of gatewayd are sent; ${theirs} go to that one.`;
}

/** The command that shows the report of this very run. */
function showCommand({ configFile, devMode }: Pick<Started, 'configFile' | 'devMode'>, launcher: string): string {
  const elsewhere = configFile !== null && configFile !== path.resolve('gatewayd.yaml');
  return [
    launcher,
    'telemetry show',
    ...(elsewhere ? ['-c', configFile.includes(' ') ? `"${configFile}"` : configFile] : []),
    ...(devMode ? ['--dev'] : []),
  ].join(' ');
}

/** What to type to get this launcher: its name where the shell finds it, and otherwise the way to it from here. */
export function launcherName(
  file: string = process.argv[1] ?? '',
  searched: string = process.env['PATH'] ?? '',
): string {
  const name = path.basename(file);
  if (name !== 'gatewayd' || searched.split(path.delimiter).includes(path.dirname(file))) return 'gatewayd';
  const relative = path.relative('', file);
  return relative.startsWith('..') ? file : relative;
}
