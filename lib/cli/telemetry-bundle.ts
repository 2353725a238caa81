import { writeFile } from 'node:fs/promises';
import { GatewayDError, messageOf } from '../errors.ts';
import { defineCommand } from './command.ts';
import { cliErrors } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag, pluginConfigFlag } from './flags.ts';
import { withLoadedReport } from './loaded-report.ts';

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
    await writeFile(output, bytes, { flag: force ? 'w' : 'wx' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw new GatewayDError(cliErrors.CLI_FILE_EXISTS, { file: output });
      const values = { file: output, reason: messageOf(error) };
      throw new GatewayDError(cliErrors.CLI_FILE_NOT_WRITTEN, values, { cause: error });
    });
    process.stdout.write(`${output} is written: ${bytes.length} bytes, what \`gatewayd telemetry show\` prints\n`);
    return exitCodes.ok;
  },
});
