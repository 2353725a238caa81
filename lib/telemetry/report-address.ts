import type { TelemetryRow } from './choice.ts';

/** The collector that GatewayD's source builds name; the default of `usageReport.address` in the telemetry plugin's schema. */
export const defaultReportAddress = 'localhost:59091';

/** Where a usage report goes, by the telemetry plugin's row, checked or not. */
export function reportAddress(row: TelemetryRow | undefined): string {
  const config = row?.config as { usageReport?: { address?: unknown } } | undefined;
  const address = config?.usageReport?.address;
  return typeof address === 'string' ? address : defaultReportAddress;
}
