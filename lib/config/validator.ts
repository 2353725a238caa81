/** One way in which a value does not fit the schema, as ajv says it. */
export interface SchemaFault {
  /** JSON pointer to the value. */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/** Checks a value against `configSchema` and fills in its defaults, in place. `errors` are those of the last call. */
export interface Validator {
  (value: unknown): boolean;
  errors?: readonly SchemaFault[] | null;
}

let loaded: Promise<Validator> | undefined;

async function load(): Promise<Validator> {
  try {
    const generated = await import('./validate.generated.js');
    return generated.default;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const { compileValidator } = await import('./compile-validator.ts');
    return compileValidator();
  }
}

/** The validator: the one written by the build where there is one, so that a start compiles nothing. */
export async function configValidator(): Promise<Validator> {
  loaded ??= load();
  return await loaded;
}
