import { resolve } from 'node:path';
import type { SavedChoice } from './saved-choice.ts';

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

/** A key of the telemetry plugin's row that an environment variable set. */
export interface RowVariable {
  /** Of the variable. */
  readonly name: string;
  /** Below the row: `enabled`, or `config.usageReport.enabled`. */
  readonly key: string;
  readonly value: unknown;
  /** What the file, or the variable before it, had said; undefined where nobody had. */
  readonly replaced: unknown;
}

/** What a choice is made from. */
export interface ChoiceInput {
  /** Of the command line; undefined where a flag was not given, for only an explicit flag overrides a no. */
  readonly flags: { readonly usageReport?: boolean | undefined; readonly sentry?: boolean | undefined };
  /** Read for DO_NOT_TRACK. */
  readonly environment: NodeJS.ProcessEnv;
  /** With the environment's `GATEWAYD_` variables in it. */
  readonly row: TelemetryRow | undefined;
  /** Those variables, in the order in which they were read: a yes of theirs does not silence a no of the file. */
  readonly variables?: readonly RowVariable[];
  /** Another row of the telemetry plugin, in gatewayd_plugins.yaml: it is ignored, but for a no. */
  readonly ignoredRow?: TelemetryRow | undefined;
  /** The rows of all plugins: one may name its author's Sentry project. */
  readonly rows?: readonly AuthoredRow[];
  /** What `telemetry disable` and `enable` left; undefined where nobody looked. */
  readonly saved?: SavedChoice | undefined;
}

/** What of a loaded configuration a choice is made from. */
export interface ChoiceConfig {
  readonly config: { readonly plugins: readonly (TelemetryRow & AuthoredRow & { readonly name: string })[] };
  readonly ignoredRows: readonly (TelemetryRow & { readonly name?: unknown })[];
  readonly fromEnvironment: readonly (Omit<RowVariable, 'key'> & { readonly path: readonly (string | number)[] })[];
}

/** The configuration's part of what a choice is made from. */
export function choiceConfig({
  config,
  ignoredRows,
  fromEnvironment,
}: ChoiceConfig): Pick<ChoiceInput, 'row' | 'ignoredRow' | 'rows' | 'variables'> {
  const index = config.plugins.findIndex(({ name }) => name === 'telemetry');
  return {
    row: config.plugins[index],
    ignoredRow: ignoredRows.find(({ name }) => name === 'telemetry'),
    rows: config.plugins,
    variables: fromEnvironment
      .filter(({ path: [section, place] }) => section === 'plugins' && place === index)
      .map(({ name, path, value, replaced }) => ({ name, key: path.slice(2).join('.'), value, replaced })),
  };
}

/** One of telemetry's two halves. */
export type Half = keyof TelemetryChoice;

/** One of those who are asked, and what it says: a no counts whoever says it, a yes only of the flag. */
export interface Voice {
  readonly source: 'flag' | 'environment' | 'config' | 'saved choice';
  readonly says: 'yes' | 'no' | null;
  /** The rest of a sentence that starts with "turned off" or "turned on"; or that it says nothing. */
  readonly how: string;
}

const flagNames = { usageReport: '--usage-report', sentry: '--sentry' } as const;

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

const sectionOf = (row: TelemetryRow | undefined, half: Half) => asRecord(asRecord(row?.config)[half]);

function flagVoice(half: Half, { flags }: ChoiceInput): Voice {
  const flag = flagNames[half];
  if (flags[half] === undefined) return { source: 'flag', says: null, how: `${flag} is not given` };
  return flags[half]
    ? { source: 'flag', says: 'yes', how: `by ${flag}` }
    : { source: 'flag', says: 'no', how: `by ${flag}=false` };
}

function doNotTrackVoice({ environment }: ChoiceInput): Voice {
  const source = 'environment';
  const doNotTrack = environment['DO_NOT_TRACK'] ?? '';
  return doNotTrack !== '' && doNotTrack !== '0'
    ? { source, says: 'no', how: 'by DO_NOT_TRACK' }
    : { source, says: null, how: doNotTrack === '' ? 'DO_NOT_TRACK is not set' : 'DO_NOT_TRACK is 0' };
}

/** The keys of the row that turn a half off. */
const keysFor = (half: Half): readonly string[] => ['enabled', `config.${half}.enabled`];

function variableVoices(half: Half, { variables = [] }: ChoiceInput): readonly Voice[] {
  const source = 'environment';
  return variables
    .filter(({ key, value }) => keysFor(half).includes(key) && typeof value === 'boolean')
    .map(({ name, value }) =>
      value === false
        ? { source, says: 'no', how: `by ${name}` }
        : { source, says: 'yes', how: `by ${name}, which takes back no other's no` },
    );
}

/** Of what nobody has checked, whatever is there is a no unless it is a yes. */
const isUncheckedNo = (value: unknown): boolean => value !== undefined && value !== null && value !== true;

/** Whether the files refuse by this key, whatever a variable has put in its place. */
function isRefusedInFiles(key: string, current: unknown, variables: readonly RowVariable[]): boolean {
  const first = variables.find((variable) => variable.key === key);
  return first === undefined ? current === false : isUncheckedNo(first.replaced);
}

/** What the files say, whatever variables have put in its place. */
function configVoice(half: Half, { row, ignoredRow, variables = [] }: ChoiceInput): Voice {
  const source = 'config';
  const valuesIn = (one: TelemetryRow | undefined) => [one?.enabled, sectionOf(one, half)['enabled']];
  const no = (key: string, where: string): Voice => {
    return { source, says: 'no', how: `in the config: ${key.replace('config.', '')} is false in its row${where}` };
  };
  const current = valuesIn(row);
  const refused = keysFor(half).find((key, index) => isRefusedInFiles(key, current[index], variables));
  if (refused !== undefined) return no(refused, '');
  const ignored = valuesIn(ignoredRow);
  const refusedThere = keysFor(half).find((_key, index) => isUncheckedNo(ignored[index]));
  if (refusedThere !== undefined) return no(refusedThere, ' in gatewayd_plugins.yaml');
  return { source, says: null, how: 'nothing in it turns this off' };
}

function savedVoice(half: Half, { saved }: ChoiceInput): Voice {
  const source = 'saved choice';
  if (saved?.state === 'unreadable') {
    return { source, says: 'no', how: `by the saved choice: ${saved.file} cannot be read, and may hold a no` };
  }
  if (saved?.[half] === false) return { source, says: 'no', how: `by the saved choice in ${saved.file}` };
  return { source, says: null, how: saved?.[half] === true ? 'it turns nothing off' : 'none' };
}

/** Everybody who has a word in whether this half is on, the one who counts most first. */
export function voicesOf(half: Half, input: ChoiceInput): readonly Voice[] {
  return [
    flagVoice(half, input),
    doNotTrackVoice(input),
    ...variableVoices(half, input),
    configVoice(half, input),
    savedVoice(half, input),
  ];
}

function decide(half: Half, input: ChoiceInput): Decision {
  const voices = voicesOf(half, input);
  const [flag] = voices;
  if (flag?.says === 'yes') return { on: true, why: `turned on ${flag.how}` };
  const refusal = voices.find(({ says }) => says === 'no');
  return refusal === undefined ? { on: true, why: 'on by default' } : { on: false, why: `turned off ${refusal.how}` };
}

/** Whose Sentry projects get errors, where error reports are on. */
export interface ErrorRecipients {
  /** Whoever runs gatewayd. */
  readonly operator: boolean;
  /** The authors of plugins. */
  readonly authors: boolean;
}

/** Whose Sentry projects the config names. */
export function errorRecipients({ row, rows = [] }: Pick<ChoiceInput, 'row' | 'rows'>): ErrorRecipients {
  const dsn = sectionOf(row, 'sentry')['dsn'];
  const isAuthored = ({ enabled, sentryDsn, errorReports }: AuthoredRow) =>
    enabled && sentryDsn !== '' && errorReports !== 'none';
  return { operator: typeof dsn === 'string' && dsn !== '', authors: rows.some(isAuthored) };
}

function hasDsn(input: ChoiceInput): boolean {
  const { operator, authors } = errorRecipients(input);
  return operator || authors;
}

/**
 * Decides what of telemetry is on. Both halves are on by default; any no among flag, environment, config and
 * saved choice wins, and only an explicit flag overrides one. Error reports are off, whatever else is said, while there is no DSN to
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
 * @param directory what its paths are relative to
 */
export function chosenConfig(
  row: TelemetryRow | undefined,
  choice: TelemetryChoice,
  directory: string,
): Record<string, unknown> {
  const chosen: Record<string, unknown> = { ...asRecord(row?.config) };
  for (const half of ['usageReport', 'sentry'] as const) {
    const section = chosen[half] ?? {};
    const { enabled = true } = asRecord(section);
    if (typeof section === 'object' && typeof enabled === 'boolean')
      chosen[half] = { ...section, enabled: choice[half].on };
  }
  const usageReport = asRecord(chosen['usageReport']);
  const { caFile } = usageReport;
  if (typeof caFile === 'string' && caFile !== '') {
    chosen['usageReport'] = { ...usageReport, caFile: resolve(directory, caFile) };
  }
  return chosen;
}
