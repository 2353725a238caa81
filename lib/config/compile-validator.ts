import { Ajv, type Options } from 'ajv';
import { configSchema } from './schema.ts';
import type { Validator } from './validator.ts';

/** How the schema is compiled, at build time and from source alike. */
export const validatorOptions: Options = {
  allErrors: true,
  // Ours are made from the keyword and its particulars.
  messages: false,
  useDefaults: true,
  strict: true,
  allowUnionTypes: true,
  // A mark for our own use, checked by the pattern beside it.
  formats: { 'duration-or-nanoseconds': true },
  // Shown by editors and by our own messages; it checks nothing.
  keywords: ['patternErrorMessage'],
};

/** Compiles the schema in this process, which takes some 50 ms: for running from source, where nothing is built. */
export function compileValidator(): Validator {
  return new Ajv(validatorOptions).compile(configSchema) as Validator;
}
