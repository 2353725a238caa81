import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { configSchema } from './schema.ts';
import { validatorOptions } from './compile-validator.ts';

/**
 * The source of `validate.generated.js`: the schema compiled to plain code, for the build to bundle (it may import parts
 * of ajv's runtime) and write beside `validator.js`. Used by the build only.
 */
export function validatorSource(): string {
  const ajv = new Ajv({ ...validatorOptions, code: { source: true, esm: true, lines: false } });
  return standalone.default(ajv, ajv.compile(configSchema));
}
