import { Plugin, UsageReportRequest } from '../../proto/usagereport/v1/usagereport.ts';
import type { UsageReport } from './report.ts';

/** The report as the protobuf message that is sent. */
export function reportMessage(report: UsageReport): UsageReportRequest {
  return new UsageReportRequest({ ...report, plugins: report.plugins.map((plugin) => new Plugin({ ...plugin })) });
}
