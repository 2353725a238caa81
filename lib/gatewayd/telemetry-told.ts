import type { GlobalConfig } from '../config/schema.ts';
import type { PluginReport } from '../plugin/report.ts';
import { choiceOnceLoaded, errorRecipients, type TelemetryChoice } from '../telemetry/choice.ts';
import { reportNotice } from '../telemetry/notice.ts';
import { reportAddress } from '../telemetry/report-address.ts';
import { reportSchema } from '../telemetry/report-fields.ts';
import type { SavedChoice } from '../telemetry/saved-choice.ts';
import { isTelemetryDebug } from '../telemetry/send-openly.ts';
import type { Complete, TelemetryTold } from './started.ts';

type Config = Pick<GlobalConfig, 'plugins'>;

/** What decides on what is said of telemetry before it begins. */
export interface TelemetryFacts {
  readonly choice: TelemetryChoice;
  readonly saved: SavedChoice;
  /** What became of the plugins. */
  readonly reports: readonly PluginReport[];
  readonly config: Config;
  readonly environment: NodeJS.ProcessEnv;
}

const isTelemetry = ({ name }: { readonly name: string }): boolean => name === 'telemetry';

/** What of telemetry is on, and where it goes by the configuration. */
export function telemetryTold(choice: TelemetryChoice, { plugins: rows }: Config): TelemetryTold {
  const row = rows.find(isTelemetry);
  return { ...choice, usageReportAddress: reportAddress(row), errorsTo: errorRecipients({ row, rows }) };
}

/** The same once the plugins are loaded, and what is to be said before anything is sent. */
export function telemetryOnceLoaded({
  choice: chosen,
  saved,
  reports,
  config,
  environment,
}: TelemetryFacts): Pick<Complete, 'telemetry' | 'notice'> {
  const choice = choiceOnceLoaded(chosen, reports.find(isTelemetry));
  const telemetry = telemetryTold(choice, config);
  const facts = { choice, schema: reportSchema, told: saved.toldSchema, address: telemetry.usageReportAddress };
  return { telemetry, notice: isTelemetryDebug(environment) ? null : reportNotice(facts) };
}
