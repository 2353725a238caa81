import type { PluginReport } from '../plugin/report.ts';
import type { ErrorRecipients, TelemetryChoice } from '../telemetry/choice.ts';
import type { StartedDatabase } from './embedded-databases.ts';

/** What there is to say once every server listens. */
export interface Started {
  readonly version: string;
  readonly configFile: string | null;
  readonly devMode: boolean;
  /** One for each plugin found or named in the config, failed and disabled ones included. */
  readonly reports: readonly PluginReport[];
  readonly servers: readonly { readonly name: string; readonly address: string }[];
  readonly databases: readonly StartedDatabase[];
  readonly telemetry: TelemetryChoice & { readonly usageReportAddress: string; readonly errorsTo: ErrorRecipients };
  /** What is to be said of the usage report before `announce()` lets it be sent; null where all of it was said before. */
  readonly notice: string | null;
  /** From the call of `start()` until every server listened. */
  readonly milliseconds: number;
}
