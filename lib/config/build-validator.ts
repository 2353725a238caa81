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
  return standalone.default(ajv, ajv.compile(withoutWords(configSchema)));
}

/** What is there for people to read would only make the code larger. */
function withoutWords(schema: object): object {
  const words = new Set(['description', 'examples', 'title', 'patternErrorMessage']);
  return JSON.parse(
    JSON.stringify(schema, (key, value: unknown) => (words.has(key) && !isSchema(value) ? undefined : value)),
  ) as object;
}

/** A key of the configuration may have one of these words for its name: its value is a schema then. */
function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
