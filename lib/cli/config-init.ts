import path from 'node:path';
import { packageRoot } from '../version.ts';
import { defineCommand } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { configFlag } from './flags.ts';
import { writeNewFile } from './write-new-file.ts';

/** `gatewayd config init` */
export const configInitCommand = defineCommand({
  name: 'config init',
  describe: 'Write a gatewayd.yaml to start from, with comments',
  flags: {
    ...configFlag,
    force: { alias: 'f', type: 'boolean', default: false, describe: 'Write over a file that is there' },
  },
  async run({ config: file = 'gatewayd.yaml', force }) {
    const { initialConfig } = await import('../config/initial.ts');
    const text = await initialConfig({ schemaPath: schemaPathFrom(file) });
    await writeNewFile({ file, content: text, force, flag: '-c' });
    const flag = path.resolve(file) === path.resolve('gatewayd.yaml') ? '' : ` -c ${file}`;
    process.stdout.write(`${file} is written. Start the gateway with \`gatewayd run${flag}\`.\n`);
    return exitCodes.ok;
  },
});

/** The way from the new file to the schema that ships with this gatewayd, for editors. */
function schemaPathFrom(file: string): string {
  const schema = path.join(packageRoot, 'dist/gatewayd.schema.json');
  const relative = path
    .relative(path.dirname(path.resolve(file)), schema)
    .split(path.sep)
    .join('/');
  return relative.startsWith('.') ? relative : `./${relative}`;
}
