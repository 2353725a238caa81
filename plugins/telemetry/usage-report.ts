import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../lib/index.ts';
import { GatewayDError } from '../../lib/errors.ts';
import { sendOpenly } from '../../lib/telemetry/send-openly.ts';
import type { TelemetryConfig } from './config.ts';
import { encodeReport } from './encode-report.ts';
import { limited } from './limited.ts';
import { publicChecksums } from './public-checksums.ts';
import { buildReport, type ReportSource } from './report.ts';

/** Spreads the starts of a fleet; short enough for the report to leave within a second of listening. */
const jitterMilliseconds = 500;
/** Before the one retry: as long again, at most. */
const retryMilliseconds = 500;
/** After this, whatever state the report is in, nothing of it is left. */
const lifeMilliseconds = 2_000;

/** What sends a usage report. */
export interface UsageReportOptions {
  readonly source: ReportSource;
  readonly to: TelemetryConfig['usageReport'];
  /** Aborted when the plugin is deactivated. */
  readonly life: AbortSignal;
  readonly logger: Logger;
}

/** Sends the usage report of this start, once, and makes no noise about it: what fails is logged at debug level. */
export async function sendUsageReport({ source, to, life, logger }: UsageReportOptions): Promise<void> {
  const signal = limited(life, lifeMilliseconds);
  try {
    await delay(Math.random() * jitterMilliseconds, undefined, { signal, ref: false });
    const report = buildReport(source, { plugins: to.plugins, publicChecksums: await publicChecksums(to.plugins) });
    const bytes = encodeReport(report);
    await sendOpenly({ half: 'usageReport', to: to.address, content: report, bytes }, () => attempt(bytes, to, signal));
    logger.debug({ address: to.address }, 'the usage report is dealt with');
  } catch (error) {
    logger.debug({ address: to.address, err: error }, 'the usage report was not sent');
  }
}

/** One attempt, and another where the first may be said never to have arrived. */
async function attempt(bytes: Uint8Array, to: TelemetryConfig['usageReport'], signal: AbortSignal): Promise<void> {
  await loadBitByBit();
  const { sendReport } = await import('./send-report.ts');
  try {
    await sendReport(bytes, to, { signal });
  } catch (error) {
    if (signal.aborted || !isWorthARetry(error)) throw error;
    await delay(Math.random() * retryMilliseconds, undefined, { signal, ref: false });
    await sendReport(bytes, to, { signal });
  }
}

/**
 * Node's own modules, in turns of their own: together they would hold up whoever has just connected. Not by import: to
 * start Node's loader for ES modules, where no plugin has had it started, takes as long as all three.
 */
async function loadBitByBit(): Promise<void> {
  for (const name of ['node:tls', 'node:http', 'node:http2']) {
    process.getBuiltinModule(name);
    await nextTurn();
  }
}

/** What the collector said, or a certificate is, does not change within a second. */
function isWorthARetry(error: unknown): boolean {
  if (error instanceof GatewayDError)
    return error.code === 'TELEMETRY_NO_ADDRESS' || error.code === 'TELEMETRY_NO_ANSWER';
  const { code = '' } = error as NodeJS.ErrnoException;
  return ['ECONNREFUSED', 'ECONNRESET', 'ENETUNREACH', 'EHOSTUNREACH', 'EPIPE', 'ETIMEDOUT'].includes(code);
}
