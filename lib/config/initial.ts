import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { packageRoot } from '../version.ts';

const schemaLine = /^# yaml-language-server: \$schema=.*$/m;

/**
 * The text that `gatewayd config init` writes: the gatewayd.yaml that this version ships, with its own line on where
 * editors find the schema.
 */
export async function initialConfig(options: { readonly schemaPath: string }): Promise<string> {
  const text = await readFile(path.join(packageRoot, 'gatewayd.yaml'), 'utf8');
  return text.replace(schemaLine, () => `# yaml-language-server: $schema=${options.schemaPath}`);
}
