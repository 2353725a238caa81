import { GatewayDError } from '../errors.ts';
import type { Half } from '../telemetry/choice.ts';
import { defineCommand } from './command.ts';
import { cliErrors } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, pluginConfigFlag } from './flags.ts';
import { telemetryStatus } from './telemetry-status.ts';

const halves: Readonly<Record<string, Half>> = { 'usage-report': 'usageReport', sentry: 'sentry' };

const values = { name: 'part', describe: 'usage-report or sentry; both where none is named', optional: true } as const;

function halvesNamed(names: readonly string[]): readonly Half[] {
  return (names.length === 0 ? Object.keys(halves) : names).map((name) => {
    const half = Object.hasOwn(halves, name) ? halves[name] : undefined;
    if (half === undefined) throw new GatewayDError(cliErrors.CLI_NO_HALF, { half: name });
    return half;
  });
}

async function choose(names: readonly string[], on: boolean): Promise<void> {
  const chosen = halvesNamed(names);
  const [{ telemetryPlaces }, { saveChoice }] = await Promise.all([
    import('../telemetry/places.ts'),
    import('../telemetry/saved-choice.ts'),
  ]);
  const file = telemetryPlaces(process.env).choiceFile;
  await saveChoice({ file }, Object.fromEntries(chosen.map((half) => [half, on])));
  process.stdout.write(`The choice is saved in ${file}\n\n`);
}

/** `gatewayd telemetry enable` */
export const telemetryEnableCommand = defineCommand({
  name: 'telemetry enable',
  describe: 'Take back what `telemetry disable` saved, for every run by this user',
  values,
  flags: { ...configFlag, ...pluginConfigFlag },
  async run(flags, names) {
    await choose(names, true);
    process.stdout.write(await telemetryStatus(flags));
    return exitCodes.ok;
  },
});

/** `gatewayd telemetry disable` */
export const telemetryDisableCommand = defineCommand({
  name: 'telemetry disable',
  describe: 'Turn telemetry off, for every run by this user, and save that',
  values,
  flags: { ...configFlag, ...pluginConfigFlag },
  async run(flags, names) {
    await choose(names, false);
    process.stdout.write(await telemetryStatus(flags));
    return exitCodes.ok;
  },
});
