import type { ErrorObject } from 'ajv';
import { pathText, type PluginConfigFault } from '../config/issue.ts';
import { deepFreeze, valueAt } from '../config/tree.ts';
import { GatewayDError, messageOf } from '../errors.ts';
import { pluginErrors } from './errors.ts';

/** A schema compiled to a function, as ajv makes one. */
export interface CompiledSchema {
  (config: unknown): boolean;
  errors?: readonly SchemaFault[] | null;
}

/** One way in which a config does not fit. */
type SchemaFault = Pick<ErrorObject, 'instancePath' | 'keyword' | 'params' | 'message'>;

/** Schemas that were compiled before, so that no compiler has to be loaded for them: undefined where there is none. */
export type CompiledSchemas = (schema: object) => Promise<CompiledSchema | undefined>;

/** How a plugin's schema is compiled. */
export const pluginSchemaOptions = { useDefaults: true, allErrors: true, strict: false, logger: false } as const;

/** What a plugin's config is checked with. */
export interface ConfigCheck {
  readonly schema: object | undefined;
  readonly compiled?: CompiledSchemas | undefined;
  /** A fault in words, with the place where it was written; its path below the row where that is not known. */
  readonly describe?: ((plugin: string, fault: PluginConfigFault) => string) | undefined;
}

/**
 * A plugin's own config: a copy of what its row says, checked by the plugin's schema, the schema's defaults filled in,
 * deeply frozen.
 * @throws {GatewayDError} PLUGIN_BAD_CONFIG_SCHEMA or PLUGIN_BAD_CONFIG
 */
export async function pluginConfig(
  plugin: string,
  config: unknown,
  { schema, compiled, describe = inRow }: ConfigCheck,
): Promise<unknown> {
  const copy = structuredClone(config ?? {});
  const faults = schema === undefined ? [] : await configFaults(plugin, copy, schema, compiled);
  if (faults.length > 0) {
    const reason = faults.map((fault) => describe(plugin, fault)).join('; ');
    throw new GatewayDError(pluginErrors.PLUGIN_BAD_CONFIG, { plugin, reason });
  }
  return deepFreeze(copy);
}

/**
 * All that is wrong with a plugin's config, whose missing values become the schema's defaults.
 * @throws {GatewayDError} PLUGIN_BAD_CONFIG_SCHEMA
 */
export async function configFaults(
  plugin: string,
  config: unknown,
  schema: object,
  compiled?: CompiledSchemas,
): Promise<readonly PluginConfigFault[]> {
  const validate = (await compiled?.(schema)) ?? (await compile(plugin, schema));
  return validate(config) ? [] : (validate.errors ?? []).map((fault) => faultOf(fault, config));
}

const inRow = (_plugin: string, { path, reason }: PluginConfigFault): string =>
  `${pathText(['config', ...path])} ${reason}`;

async function compile(plugin: string, schema: object): Promise<CompiledSchema> {
  // Takes longer to import than most plugins: only for one that has a schema.
  const isDraft2020 = '$schema' in schema && String(schema.$schema).includes('2020-12');
  const { Ajv } = isDraft2020 ? { Ajv: (await import('ajv/dist/2020.js')).Ajv2020 } : await import('ajv');
  try {
    return new Ajv(pluginSchemaOptions).compile(schema);
  } catch (error) {
    throw new GatewayDError(
      pluginErrors.PLUGIN_BAD_CONFIG_SCHEMA,
      { plugin, reason: messageOf(error) },
      { cause: error },
    );
  }
}

function faultOf({ instancePath, keyword, params, message }: SchemaFault, config: unknown): PluginConfigFault {
  const path: (string | number)[] = [];
  for (const step of instancePath.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(valueAt(config, path)) ? Number(key) : key);
  }
  if (keyword === 'additionalProperties') {
    const key = String(params['additionalProperty']);
    return { path: [...path, key], at: 'key', reason: 'is no key that the plugin knows' };
  }
  const values = keyword === 'enum' ? `: ${(params['allowedValues'] as unknown[]).join(', ')}` : '';
  return { path, at: 'value', reason: `${message ?? 'is wrong'}${values}` };
}
