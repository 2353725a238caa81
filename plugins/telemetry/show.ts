import { Ajv } from 'ajv';
import type { TelemetryChoice } from '../../lib/telemetry/choice.ts';
import { telemetryConfigSchema } from '../../lib/telemetry/config-schema.ts';
import { telemetryPlaces } from '../../lib/telemetry/places.ts';
import type { TelemetryConfig } from './config.ts';
import { CrashFiles } from './crash-files.ts';
import { encodeReport } from './encode-report.ts';
import { publicChecksums } from './public-checksums.ts';
import { buildReport, type ReportSource, type UsageReport } from './report.ts';

/** What a report is made from for people to look at. */
export interface PreviewOptions extends ReportSource {
  /** `config` of the telemetry plugin's row, as far as it is written. */
  readonly config: unknown;
}

/** What `telemetry show` shows a report of. */
export interface ShowOptions extends PreviewOptions {
  readonly choice: TelemetryChoice;
}

const fillIn = new Ajv({ useDefaults: true, allErrors: true }).compile(telemetryConfigSchema);

function completed(config: unknown): TelemetryConfig {
  const whole = structuredClone(config ?? {}) as TelemetryConfig;
  fillIn(whole);
  return whole;
}

/** The report as it would be sent, and its very bytes; nothing is sent. */
export async function previewReport({
  config,
  ...source
}: PreviewOptions): Promise<{ readonly report: UsageReport; readonly bytes: Uint8Array }> {
  const { plugins } = completed(config).usageReport;
  const report = buildReport(source, { plugins, publicChecksums: await publicChecksums(plugins) });
  return { report, bytes: encodeReport(report) };
}

/** What earlier runs ended with, and the next one sends. */
function crashLines(): readonly string[] {
  const crashes = new CrashFiles(telemetryPlaces(process.env).crashFolder).pending();
  return crashes.flatMap(({ file, event }) => [
    '',
    `A crash that is to be sent by the next start (${file}):`,
    JSON.stringify(event, null, 2),
  ]);
}

/** The report as it would be sent, its bytes, where to, whether and why; nothing is sent. */
export async function showReport({ choice, ...preview }: ShowOptions): Promise<string> {
  const { usageReport } = completed(preview.config);
  const { report, bytes } = await previewReport(preview);
  const verdict = ({ on, why }: { on: boolean; why: string }) => `${on ? 'yes' : 'no'} (${why})`;
  return [
    `Usage report: ${verdict(choice.usageReport)}`,
    `To: ${usageReport.address}, ${usageReport.tls ? 'TLS' : 'no TLS'}, usagereport.v1.UsageReportService/Report`,
    '',
    JSON.stringify(report, null, 2),
    '',
    `The same as it goes over the wire, ${bytes.length} bytes:`,
    ...(Buffer.from(bytes)
      .toString('hex')
      .match(/.{1,96}/g) ?? []),
    '',
    `Error reports: ${verdict(choice.sentry)}`,
    ...crashLines(),
    '',
  ].join('\n');
}
