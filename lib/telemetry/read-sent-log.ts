import { readFile } from 'node:fs/promises';
import { GatewayDError, messageOf } from '../errors.ts';
import { telemetryErrors } from './errors.ts';
import type { Outcome, OutcomeLine, SendingLine } from './sent-log.ts';
import { rotatedLogs } from './sent-log.ts';

/** Something that was sent, or was to be. */
export interface SentEntry extends SendingLine {
  readonly outcome: Outcome;
  readonly reason: string;
}

/** What the log holds. */
export interface SentEntries {
  /** The oldest first. */
  readonly entries: readonly SentEntry[];
  /** How many lines are none of ours, or were cut off. */
  readonly unreadable: number;
}

const isText = (value: unknown): value is string => typeof value === 'string';

function isSending(line: Readonly<Record<string, unknown>>): boolean {
  const { id, at, half, to, bytes } = line;
  return [id, at, to, bytes].every(isText) && (half === 'usageReport' || half === 'sentry') && 'content' in line;
}

function isOutcome({ id, at, outcome, reason }: Readonly<Record<string, unknown>>): boolean {
  return [id, at, reason].every(isText) && (outcome === 'delivered' || outcome === 'failed');
}

function parse(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Reads the text of a log, whatever is in it. */
export function parseSentLog(text: string): SentEntries {
  const entries = new Map<string, SentEntry>();
  let unreadable = 0;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const value = parse(line);
    if (value !== null && isSending(value)) {
      const sending = value as unknown as SendingLine;
      if (!entries.has(sending.id)) entries.set(sending.id, { ...sending, outcome: 'unknown', reason: '' });
      continue;
    }
    const known = value !== null && isOutcome(value) ? entries.get(String(value['id'])) : undefined;
    if (known === undefined) unreadable += 1;
    else {
      const { outcome, reason } = value as unknown as OutcomeLine;
      entries.set(known.id, { ...known, outcome, reason });
    }
  }
  return { entries: [...entries.values()], unreadable };
}

/**
 * Reads the log with all that was put aside of it. A file that is missing is an empty one.
 * @throws {GatewayDError} TELEMETRY_LOG_NOT_READ
 */
export async function readSentLog(logFile: string | null): Promise<SentEntries> {
  if (logFile === null) return { entries: [], unreadable: 0 };
  const texts: string[] = [];
  for (const file of [...(await rotatedLogs(logFile)), logFile]) {
    texts.push(
      await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
        const values = { file, reason: messageOf(error) };
        throw new GatewayDError(telemetryErrors.TELEMETRY_LOG_NOT_READ, values, { cause: error });
      }),
    );
  }
  // A line that a full disk cut off must not take the next file's first with it.
  return parseSentLog(texts.join('\n'));
}
