import { Ajv } from 'ajv';
import type { TelemetryChoice } from '../../lib/telemetry/choice.ts';
import { telemetryConfigSchema } from '../../lib/telemetry/config-schema.ts';
import type { TelemetryConfig } from './config.ts';
import { reportMessage } from './report-message.ts';
import { buildReport, type ReportSource } from './report.ts';

/** What `telemetry show` shows a report of. */
export interface ShowOptions extends ReportSource {
  /** `config` of the telemetry plugin's row, as far as it is written. */
  readonly config: unknown;
  readonly choice: TelemetryChoice;
}

const fillIn = new Ajv({ useDefaults: true, allErrors: true }).compile(telemetryConfigSchema);

function completed(config: unknown): TelemetryConfig {
  const whole = structuredClone(config ?? {}) as TelemetryConfig;
  fillIn(whole);
  return whole;
}

/** The report as it would be sent, its bytes, where to, whether and why; nothing is sent. */
export async function showReport({ config, choice, ...source }: ShowOptions): Promise<string> {
  const { usageReport } = completed(config);
  const report = buildReport(source);
  const bytes = Buffer.from(reportMessage(report).serialize());
  const verdict = ({ on, why }: { on: boolean; why: string }) => `${on ? 'yes' : 'no'} (${why})`;
  return [
    `Usage report: ${verdict(choice.usageReport)}`,
    `To: ${usageReport.address}, ${usageReport.tls ? 'TLS' : 'no TLS'}, usagereport.v1.UsageReportService/Report`,
    '',
    JSON.stringify(report, null, 2),
    '',
    `The same as it goes over the wire, ${bytes.length} bytes:`,
    ...(bytes.toString('hex').match(/.{1,96}/g) ?? []),
    '',
    `Error reports: ${verdict(choice.sentry)}`,
    '',
  ].join('\n');
}
