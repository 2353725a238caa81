/** A schema as ajv compiles it: fills in defaults in place, and says whether the value fits. */
export interface CompiledConfigSchema {
  (config: unknown): boolean;
  errors?:
    | readonly {
        readonly instancePath: string;
        readonly keyword: string;
        readonly params: Record<string, unknown>;
        readonly message?: string;
      }[]
    | null;
}

/** Written into dist/ by the build (`.tools/compile-schemas.mjs`); there is none beside the sources. */
declare const compiled: CompiledConfigSchema;
export default compiled;
