import type { ErrorObject } from 'ajv';
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

/**
 * A plugin's own config: a copy of what its row says, checked by the plugin's schema, the schema's defaults filled in,
 * deeply frozen.
 * @throws {GatewayDError} PLUGIN_BAD_CONFIG_SCHEMA or PLUGIN_BAD_CONFIG
 */
export async function pluginConfig(
  plugin: string,
  config: unknown,
  schema: object | undefined,
  compiled?: CompiledSchemas,
): Promise<unknown> {
  const copy = structuredClone(config ?? {});
  if (schema !== undefined) check(plugin, copy, (await compiled?.(schema)) ?? (await compile(plugin, schema)));
  return deepFreeze(copy);
}

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

function check(plugin: string, config: unknown, validate: CompiledSchema): void {
  if (validate(config)) return;
  const reason = (validate.errors ?? []).map(describe).join('; ');
  throw new GatewayDError(pluginErrors.PLUGIN_BAD_CONFIG, { plugin, reason });
}

function describe({ instancePath, keyword, params, message }: SchemaFault): string {
  const place = ['config', ...instancePath.split('/').slice(1)].join('.');
  const extra = keyword === 'additionalProperties' ? `: ${String(params['additionalProperty'])}` : '';
  const values = keyword === 'enum' ? `: ${(params['allowedValues'] as unknown[]).join(', ')}` : '';
  return `${place} ${message ?? 'is wrong'}${extra}${values}`;
}

function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const key of Reflect.ownKeys(value)) deepFreeze((value as Record<PropertyKey, unknown>)[key]);
  return value;
}
