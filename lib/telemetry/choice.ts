/** Whether one of telemetry's two halves is on, and why, in words for people. */
export interface Decision {
  readonly on: boolean;
  readonly why: string;
}

/** What of telemetry is on. */
export interface TelemetryChoice {
  readonly usageReport: Decision;
  readonly sentry: Decision;
}

/** The part of the telemetry plugin's row in the config that a choice is made from. */
export interface TelemetryRow {
  readonly enabled?: boolean | undefined;
  /** The row's `config`, checked or not. */
  readonly config?: unknown;
}

/** The part of any plugin's row that a choice is made from. */
export interface AuthoredRow {
  readonly enabled: boolean;
  readonly sentryDsn: string;
  readonly errorReports: 'all' | 'author' | 'none';
}

/** What a choice is made from. */
export interface ChoiceInput {
  /** Of the command line; undefined where a flag was not given, for only an explicit flag overrides a no. */
  readonly flags: { readonly usageReport?: boolean | undefined; readonly sentry?: boolean | undefined };
  /** Read for DO_NOT_TRACK. */
  readonly environment: NodeJS.ProcessEnv;
  readonly row: TelemetryRow | undefined;
  /** The rows of all plugins: one may name its author's Sentry project. */
  readonly rows?: readonly AuthoredRow[];
}

type Half = keyof TelemetryChoice;

const flagNames = { usageReport: '--usage-report', sentry: '--sentry' } as const;

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

const sectionOf = (row: TelemetryRow | undefined, half: Half) => asRecord(asRecord(row?.config)[half]);

function decide(half: Half, { flags, environment, row }: ChoiceInput): Decision {
  const flag = flagNames[half];
  if (flags[half] === false) return { on: false, why: `turned off by ${flag}=false` };
  if (flags[half] === true) return { on: true, why: `turned on by ${flag}` };
  const doNotTrack = environment['DO_NOT_TRACK'] ?? '';
  if (doNotTrack !== '' && doNotTrack !== '0') return { on: false, why: 'turned off by DO_NOT_TRACK' };
  if (row?.enabled === false) return { on: false, why: 'turned off in the config: enabled is false in its row' };
  if (sectionOf(row, half)['enabled'] === false) {
    return { on: false, why: `turned off in the config: ${half}.enabled is false in its row` };
  }
  return { on: true, why: 'on by default' };
}

function hasDsn({ row, rows = [] }: ChoiceInput): boolean {
  const dsn = sectionOf(row, 'sentry')['dsn'];
  if (typeof dsn === 'string' && dsn !== '') return true;
  return rows.some(({ enabled, sentryDsn, errorReports }) => enabled && sentryDsn !== '' && errorReports !== 'none');
}

/**
 * Decides what of telemetry is on. Both halves are on by default; any no among flag, DO_NOT_TRACK and config wins,
 * and only an explicit flag overrides one. Error reports are off, whatever else is said, while there is no DSN to
 * send them to. When both are off the plugin is not to be loaded at all.
 */
export function telemetryChoice(input: ChoiceInput): TelemetryChoice {
  const sentry = decide('sentry', input);
  return {
    usageReport: decide('usageReport', input),
    sentry: sentry.on && !hasDsn(input) ? { on: false, why: 'no DSN is configured: errors stay in the log' } : sentry,
  };
}

/** What the choice comes to: a telemetry plugin that could not be loaded sends nothing, whatever was chosen. */
export function choiceOnceLoaded(
  choice: TelemetryChoice,
  plugin: { readonly state: string; readonly error?: { readonly code: string } } | undefined,
): TelemetryChoice {
  if (plugin?.state !== 'failed') return choice;
  const off = { on: false, why: `the plugin telemetry could not be loaded: ${plugin.error?.code ?? 'see the log'}` };
  const { usageReport, sentry } = choice;
  return { usageReport: usageReport.on ? off : usageReport, sentry: sentry.on ? off : sentry };
}

/**
 * The `config` to give the telemetry plugin, so that it does what was chosen and nothing else. What is wrong with the
 * row's stays in it, for the plugin's schema to find.
 */
export function chosenConfig(row: TelemetryRow | undefined, choice: TelemetryChoice): Record<string, unknown> {
  const chosen: Record<string, unknown> = { ...asRecord(row?.config) };
  for (const half of ['usageReport', 'sentry'] as const) {
    const section = chosen[half] ?? {};
    if (typeof section === 'object') chosen[half] = { ...section, enabled: choice[half].on };
  }
  return chosen;
}
