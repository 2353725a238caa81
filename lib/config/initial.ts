import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

const schemaLine = /^# yaml-language-server: \$schema=.*$/m;

// This file is in lib/config of the sources, or of dist/: the package is the nearest folder above with a package.json.
function packageRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(path.join(folder, 'package.json')) && folder !== path.dirname(folder))
    folder = path.dirname(folder);
  return folder;
}

/**
 * The text that `gatewayd config init` writes: the gatewayd.yaml that this version ships, with its own line on where
 * editors find the schema.
 */
export async function initialConfig(options: { readonly schemaPath: string }): Promise<string> {
  const text = await readFile(path.join(packageRoot(), 'gatewayd.yaml'), 'utf8');
  return text.replace(schemaLine, () => `# yaml-language-server: $schema=${options.schemaPath}`);
}
