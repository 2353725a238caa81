import type { ChoiceInput, Decision, Half } from '../telemetry/choice.ts';
import { defineCommand, type FlagValues } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, configSources, pluginConfigFlag } from './flags.ts';

const flags = {
  ...configFlag,
  ...pluginConfigFlag,
  'usage-report': { type: 'boolean', defaultDescription: 'true', describe: 'As for `run`' },
} as const;

/** `gatewayd telemetry status` */
export const telemetryStatusCommand = defineCommand({
  name: 'telemetry status',
  describe: 'Say what of telemetry is on, and why',
  flags,
  async run(given) {
    process.stdout.write(await telemetryStatus(given));
    return exitCodes.ok;
  },
});

/** What of telemetry `run` would have on with the same flags, and everybody's word on it. */
export async function telemetryStatus(given: Partial<FlagValues<typeof flags>>): Promise<string> {
  const [{ loadConfig }, { choiceConfig, telemetryChoice, voicesOf }, { telemetryPlaces }, { readSavedChoice }] =
    await Promise.all([
      import('../config/load.ts'),
      import('../telemetry/choice.ts'),
      import('../telemetry/places.ts'),
      import('../telemetry/saved-choice.ts'),
    ]);
  const [{ reportAddress }, { isTelemetryDebug }] = await Promise.all([
    import('../telemetry/report-address.ts'),
    import('../telemetry/send-openly.ts'),
  ]);
  const loaded = await loadConfig(configSources(given));
  const { choiceFile, logFile } = telemetryPlaces(process.env);
  const input: ChoiceInput = {
    flags: { usageReport: given['usage-report'], sentry: given.sentry },
    environment: process.env,
    ...choiceConfig(loaded),
    saved: readSavedChoice(choiceFile),
  };
  const choice = telemetryChoice(input);
  const part = (title: string, half: Half): string[] => [
    headline(title, choice[half]),
    ...voicesOf(half, input).map(({ source, says, how }) => `  ${source.padEnd(14)}${says ?? '-'}`.padEnd(22) + how),
    '',
  ];
  return [
    ...part('Usage report', 'usageReport'),
    ...part('Error reports', 'sentry'),
    `Usage reports go to  ${reportAddress(input.row)}`,
    `Configuration        ${loaded.configFile ?? 'none: the defaults apply'}`,
    `Saved choice         ${choiceFile ?? 'none: this user has no home'}`,
    `Log of what was sent ${logFile ?? 'none: this user has no home'}`,
    ...(isTelemetryDebug(process.env) ? ['GATEWAYD_TELEMETRY_DEBUG is set: it is printed, and nothing is sent'] : []),
    '',
  ].join('\n');
}

function headline(title: string, { on, why }: Decision): string {
  return `${title}: ${on ? 'on' : 'off'} (${why})`;
}
