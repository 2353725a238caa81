// Writes what is made from schemas into dist/: their validators as plain code, so that a start compiles nothing, and the
// configuration's schema for editors.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { validatorSource } = await import('../dist/lib/config/build-validator.js');
const { editorSchema } = await import('../dist/lib/config/editor-schema.js');
const { telemetryConfigSchema } = await import('../dist/lib/telemetry/config-schema.js');
const { pluginSchemaOptions } = await import('../dist/lib/plugin/plugin-config.js');

async function write(file, contents) {
  await build({
    stdin: { contents, resolveDir: root, loader: 'js' },
    outfile: path.join(root, 'dist/lib', file),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
}

const ajv = new Ajv({ ...pluginSchemaOptions, code: { source: true, esm: true } });
await write('config/validate.generated.js', validatorSource());
await write('telemetry/config-schema.generated.js', standalone.default(ajv, ajv.compile(telemetryConfigSchema)));
writeFileSync(path.join(root, 'dist/gatewayd.schema.json'), `${JSON.stringify(editorSchema(), null, 2)}\n`);
