import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { GatewayDError, messageOf } from '../errors.ts';
import { defineCommand } from './command.ts';
import { cliErrors } from './errors.ts';
import { exitCodes } from './exit-codes.ts';

/** `gatewayd telemetry receive` */
export const telemetryReceiveCommand = defineCommand({
  name: 'telemetry receive',
  describe: 'Receive usage reports, or read those in files; check each and print it as a line of JSON',
  values: { name: 'file', describe: 'What `telemetry bundle` wrote; without a file, it listens', optional: true },
  flags: {
    address: {
      type: 'string',
      requiresArg: true,
      default: 'localhost:59091',
      describe: 'Where to listen; port 0 takes a free one',
    },
  },
  async run({ address }, files) {
    if (files.length > 0) return await readFiles(files);
    const { startReceiver } = await import('../receiver/receiver.ts');
    const receiver = await startReceiver({ address, output: process.stdout });
    process.stderr.write(`receiving usage reports on ${receiver.address}; Ctrl+C ends it\n`);
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
    await receiver.close();
    return exitCodes.ok;
  },
});

async function readFiles(files: readonly string[]): Promise<number> {
  const { checkReport, largestReport, readReport } = await import('../receiver/read-report.ts');
  for (const file of files) {
    const bytes = await readStart(file, largestReport + 1).catch((error: unknown) => {
      const values = { file, reason: messageOf(error) };
      throw new GatewayDError(cliErrors.CLI_FILE_NOT_READ, values, { cause: error });
    });
    try {
      const report = readReport(bytes);
      checkReport(report);
      process.stdout.write(`${JSON.stringify(report)}\n`);
    } catch (error) {
      const values = { file, reason: messageOf(error) };
      throw new GatewayDError(cliErrors.CLI_BUNDLE_REFUSED, values, { cause: error });
    }
  }
  return exitCodes.ok;
}

/** As much of a file as is needed to tell that it is too large; it may have no end. */
async function readStart(file: string, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: length - 1 })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
