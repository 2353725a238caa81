import { telemetryConfigSchema } from './config-schema.ts';
import type { CompiledConfigSchema } from './config-schema.generated.js';

/**
 * The telemetry plugin's schema as the build compiled it; undefined for any other schema, and where nothing is built.
 * Loading a compiler for it would take longer than all else that telemetry does at start.
 */
export async function compiledConfigSchema(schema: object): Promise<CompiledConfigSchema | undefined> {
  if (schema !== telemetryConfigSchema) return undefined;
  try {
    return (await import('./config-schema.generated.js')).default;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return undefined;
  }
}
