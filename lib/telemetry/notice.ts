import type { TelemetryChoice } from './choice.ts';
import type { ReportSchema } from './report-schema.ts';

/** What a notice is made from. */
export interface NoticeInput {
  readonly choice: TelemetryChoice;
  readonly schema: ReportSchema;
  /** The version of the schema that the user was told of last; 0 for never. */
  readonly told: number;
  /** Where the usage report goes. */
  readonly address: string;
}

const howToRefuse =
  '`gatewayd telemetry show` prints it; `gatewayd telemetry disable`, DO_NOT_TRACK=1 or the config turns it off';

/** As it stands within a sentence; an abbreviation stays as it is. */
function uncapitalised(what: string): string {
  return what.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

/**
 * What has to be said before the usage report is sent: all of it to whoever was never told, and what is new in it to
 * whoever was told of less. Null where there is nothing to send, or nothing new in it.
 */
export function reportNotice({ choice, schema, told, address }: NoticeInput): string | null {
  if (!choice.usageReport.on || told >= schema.version) return null;
  const fresh = schema.fields.filter(({ since }) => since > told).map(({ what }) => uncapitalised(what));
  const subject =
    told === 0
      ? 'an anonymous usage report is sent to'
      : 'the anonymous usage report now has fields that it had not when you were told of it; it is sent to';
  return `${subject} ${address}, once at each start: ${fresh.join('; ')}. ${howToRefuse}`;
}
