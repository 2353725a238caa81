// Writes what is made from the configuration's schema into dist/: the validator as plain code, and the schema for editors.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { validatorSource } = await import('../dist/lib/config/build-validator.js');
const { editorSchema } = await import('../dist/lib/config/editor-schema.js');

await build({
  stdin: { contents: validatorSource(), resolveDir: root, loader: 'js' },
  outfile: path.join(root, 'dist/lib/config/validate.generated.js'),
  bundle: true,
  format: 'esm',
  platform: 'node',
  logLevel: 'error',
});
writeFileSync(path.join(root, 'dist/gatewayd.schema.json'), `${JSON.stringify(editorSchema(), null, 2)}\n`);
