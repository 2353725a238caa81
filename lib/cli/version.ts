import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { printVersion } from './version-text.ts';

/** `gatewayd version` */
export const versionCommand = defineCommand({
  name: 'version',
  describe: 'Print the version',
  flags: {},
  run() {
    printVersion();
    return exitCodes.ok;
  },
});
