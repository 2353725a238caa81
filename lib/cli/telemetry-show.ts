import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, pluginConfigFlag } from './flags.ts';
import { withLoadedReport } from './loaded-report.ts';

/** `gatewayd telemetry show` */
export const telemetryShowCommand = defineCommand({
  name: 'telemetry show',
  describe: 'Print the usage report exactly as it would be sent, and send nothing',
  flags: {
    ...configFlag,
    ...pluginConfigFlag,
    dev: { type: 'boolean', default: false, describe: 'Show what `run --dev` would send' },
    'usage-report': { type: 'boolean', defaultDescription: 'true', describe: 'As for `run`' },
  },
  async run(flags) {
    const { showReport } = await import('../../plugins/telemetry/show.ts');
    process.stdout.write(await withLoadedReport(flags, showReport));
    return exitCodes.ok;
  },
});
