import type { GlobalConfig } from '../config/schema.ts';
import type { PluginReport } from '../plugin/report.ts';
import { choiceOnceLoaded, errorRecipients, type TelemetryChoice } from '../telemetry/choice.ts';
import { reportNotice } from '../telemetry/notice.ts';
import { reportAddress } from '../telemetry/report-address.ts';
import { reportSchema } from '../telemetry/report-fields.ts';
import type { SavedChoice } from '../telemetry/saved-choice.ts';
import { isTelemetryDebug } from '../telemetry/send-openly.ts';
import type { Started } from './started.ts';

/** What decides on what is said of telemetry at start. */
export interface TelemetryFacts {
  readonly choice: TelemetryChoice;
  readonly saved: SavedChoice;
  /** What became of the plugins. */
  readonly reports: readonly PluginReport[];
  readonly config: Pick<GlobalConfig, 'plugins'>;
  readonly environment: NodeJS.ProcessEnv;
}

/** What there is to say of telemetry once the plugins are loaded, before anything of it is sent. */
export function telemetryTold({
  choice: chosen,
  saved,
  reports,
  config,
  environment,
}: TelemetryFacts): Pick<Started, 'telemetry' | 'notice'> {
  const isTelemetry = ({ name }: { readonly name: string }) => name === 'telemetry';
  const choice = choiceOnceLoaded(chosen, reports.find(isTelemetry));
  const { plugins: rows } = config;
  const row = rows.find(isTelemetry);
  const address = reportAddress(row);
  const told = saved.toldSchema;
  return {
    telemetry: { ...choice, usageReportAddress: address, errorsTo: errorRecipients({ row, rows }) },
    notice: isTelemetryDebug(environment) ? null : reportNotice({ choice, schema: reportSchema, told, address }),
  };
}
