import { once } from 'node:events';
import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';

/** `gatewayd telemetry receive` */
export const telemetryReceiveCommand = defineCommand({
  name: 'telemetry receive',
  describe: 'Receive usage reports, check each and print it as a line of JSON',
  flags: {
    address: {
      type: 'string',
      requiresArg: true,
      default: 'localhost:59091',
      describe: 'Where to listen; port 0 takes a free one',
    },
  },
  async run({ address }) {
    const { startReceiver } = await import('../receiver/receiver.ts');
    const receiver = await startReceiver({ address, output: process.stdout });
    process.stderr.write(`receiving usage reports on ${receiver.address}; Ctrl+C ends it\n`);
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
    await receiver.close();
    return exitCodes.ok;
  },
});
