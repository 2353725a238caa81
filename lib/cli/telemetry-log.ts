import type { SentEntry } from '../telemetry/read-sent-log.ts';
import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { jsonFlag } from './flags.ts';
import { printable } from './terminal.ts';

const halves = { usageReport: 'usage report', sentry: 'error report' } as const;

/** `gatewayd telemetry log` */
export const telemetryLogCommand = defineCommand({
  name: 'telemetry log',
  describe: 'Print everything that was ever sent from here by this user: when, where to, the bytes, how it went',
  flags: { ...jsonFlag },
  async run({ json }) {
    const [{ telemetryPlaces }, { readSentLog }] = await Promise.all([
      import('../telemetry/places.ts'),
      import('../telemetry/read-sent-log.ts'),
    ]);
    const { logFile } = telemetryPlaces(process.env);
    const { entries, unreadable } = await readSentLog(logFile);
    if (unreadable > 0) {
      const lines = unreadable === 1 ? '1 line' : `${unreadable} lines`;
      process.stderr.write(`${lines} of ${logFile} cannot be read\n`);
    }
    if (json) for (const entry of entries) process.stdout.write(`${JSON.stringify(entry)}\n`);
    else if (entries.length > 0) process.stdout.write(entries.map(describeEntry).join('\n'));
    else if (logFile === null) process.stdout.write('There is no log of what was sent: this user has no home.\n');
    else process.stdout.write(`Nothing was sent yet, as far as ${logFile} knows.\n`);
    return exitCodes.ok;
  },
});

const outcomes = {
  delivered: 'delivered',
  failed: 'not delivered',
  unknown: 'it is not known whether it was delivered: the process ended first',
} as const;

function describeEntry({ at, half, to, content, bytes, outcome, reason }: SentEntry): string {
  const raw = Buffer.from(bytes, 'base64');
  return [
    `${at}  ${halves[half]} to ${to}`,
    `  ${outcomes[outcome]}${reason === '' ? '' : `: ${reason}`}`,
    ...JSON.stringify(content, null, 2)
      .split('\n')
      .map((line) => `  ${line}`),
    `  ${raw.length} bytes: ${raw.toString('hex')}`,
    '',
  ]
    .map(printable)
    .join('\n');
}
