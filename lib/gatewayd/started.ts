import type { PluginReport } from '../plugin/report.ts';
import type { ErrorRecipients, TelemetryChoice } from '../telemetry/choice.ts';
import type { StartedDatabase } from './embedded-databases.ts';

/** What of telemetry is on, and where it goes. */
export type TelemetryTold = TelemetryChoice & {
  readonly usageReportAddress: string;
  readonly errorsTo: ErrorRecipients;
};

/** What there is to say in the moment when every server listens. */
export interface Listening {
  readonly version: string;
  readonly configFile: string | null;
  readonly devMode: boolean;
  /** How many plugins are loaded; built-in ones come after this. */
  readonly plugins: number;
  readonly servers: readonly { readonly name: string; readonly address: string }[];
  readonly databases: readonly StartedDatabase[];
  /** As it was chosen. */
  readonly telemetry: TelemetryTold;
  /** From the call of `start()` until every server listened. */
  readonly milliseconds: number;
}

/** What there is to say once all plugins are loaded. */
export interface Complete {
  /** One for each plugin found or named in the config, failed and disabled ones included. */
  readonly reports: readonly PluginReport[];
  /** As it was chosen, unless the plugin could not be loaded. */
  readonly telemetry: TelemetryTold;
  /** What is to be said of the usage report before `announce()` lets it be sent; null where all of it was said before. */
  readonly notice: string | null;
}

/** All there is to say of a start. */
export type Started = Listening & Complete;
