import { randomUUID } from 'node:crypto';
import { messageOf } from '../errors.ts';
import { telemetryPlaces } from './places.ts';
import { type SendingLine, SentLog } from './sent-log.ts';

/** Something that telemetry is about to send. */
export interface Outgoing {
  readonly half: 'usageReport' | 'sentry';
  /** Where to, in words for people and without a secret: `host:port`. */
  readonly to: string;
  /** What it is, as JSON can hold it. */
  readonly content: unknown;
  /** The very bytes that leave. */
  readonly bytes: Uint8Array;
}

const names = { usageReport: 'usage report', sentry: 'error report' } as const;
let log: SentLog | undefined;

/** Whether `GATEWAYD_TELEMETRY_DEBUG` asks for what would be sent to be printed, and for nothing to be sent. */
export function isTelemetryDebug(environment: NodeJS.ProcessEnv): boolean {
  const asked = environment['GATEWAYD_TELEMETRY_DEBUG'] ?? '';
  return asked !== '' && asked !== '0';
}

/** What is printed in the place of sending it. */
export function debugText({ half, to, content, bytes }: Outgoing): string {
  const head = `telemetry: this ${names[half]} of ${bytes.length} bytes would go to ${to}`;
  return `${head}; GATEWAYD_TELEMETRY_DEBUG is set, so nothing is sent\n${JSON.stringify(content, null, 2)}\n`;
}

/**
 * What everything that telemetry sends goes through. With `GATEWAYD_TELEMETRY_DEBUG` it is printed on standard error,
 * and `send` is not called. Otherwise it is put on record in the local log, sent, and the outcome put on record.
 * @param refused why what came back means that it was not taken; null where it was
 * @returns what `send` gives; undefined where nothing was sent
 * @throws what `send` throws
 */
export async function sendOpenly<T>(
  outgoing: Outgoing,
  send: () => Promise<T>,
  refused: (answer: T) => string | null = () => null,
): Promise<T | undefined> {
  if (isTelemetryDebug(process.env)) {
    process.stderr.write(debugText(outgoing));
    return undefined;
  }
  const { half, to, content, bytes } = outgoing;
  const id = randomUUID();
  log ??= new SentLog(telemetryPlaces(process.env).logFile);
  const line: SendingLine = { id, at: now(), half, to, content, bytes: Buffer.from(bytes).toString('base64') };
  await log.add(line);
  try {
    const answer = await send();
    const reason = refused(answer);
    void log.add({ id, at: now(), outcome: reason === null ? 'delivered' : 'failed', reason: reason ?? '' });
    return answer;
  } catch (error) {
    void log.add({ id, at: now(), outcome: 'failed', reason: messageOf(error) });
    throw error;
  }
}

function now(): string {
  return new Date().toISOString();
}
