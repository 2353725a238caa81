import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../lib/index.ts';
import type { TelemetryConfig } from './config.ts';
import { limited } from './limited.ts';
import { buildReport, type ReportSource } from './report.ts';

/** Spreads the starts of a fleet; short enough for the report to leave within a second of listening. */
const jitterMilliseconds = 400;
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

/**
 * Sends the usage report of this start, once, and makes no noise about it: what fails is logged at debug level.
 * It ends within two seconds, or at once when `life` does.
 */
export async function sendUsageReport({ source, to, life, logger }: UsageReportOptions): Promise<void> {
  const signal = limited(life, lifeMilliseconds);
  try {
    await delay(Math.random() * jitterMilliseconds, undefined, { signal, ref: false });
    const { sendReport } = await import('./sender.ts');
    await sendReport(buildReport(source), to, { signal });
    logger.debug({ address: to.address }, 'the usage report was sent');
  } catch (error) {
    logger.debug({ address: to.address, err: error }, 'the usage report was not sent');
  }
}
