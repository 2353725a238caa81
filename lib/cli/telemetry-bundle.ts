import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, pluginConfigFlag } from './flags.ts';
import { withLoadedReport } from './loaded-report.ts';
import { writeNewFile } from './write-new-file.ts';

/** `gatewayd telemetry bundle` */
export const telemetryBundleCommand = defineCommand({
  name: 'telemetry bundle',
  describe: 'Write the usage report to a file, for a machine without a network; send nothing',
  flags: {
    ...configFlag,
    ...pluginConfigFlag,
    dev: { type: 'boolean', default: false, describe: 'Write what `run --dev` would send' },
    output: {
      alias: 'o',
      type: 'string',
      requiresArg: true,
      default: 'usage-report.pb',
      describe: 'The file; `gatewayd telemetry receive FILE` reads it',
    },
    force: { alias: 'f', type: 'boolean', default: false, describe: 'Write over a file that is there' },
  },
  async run({ output, force, ...flags }) {
    const { previewReport } = await import('../../plugins/telemetry/show.ts');
    const { bytes } = await withLoadedReport(flags, previewReport);
    await writeNewFile({ file: output, content: bytes, force, flag: '-o' });
    process.stdout.write(`${output} is written: ${bytes.length} bytes, what \`gatewayd telemetry show\` prints\n`);
    return exitCodes.ok;
  },
});
