import type { ErrorObject } from 'ajv';
import { GatewayDError, messageOf } from '../errors.ts';
import { pluginErrors } from './errors.ts';

/**
 * A plugin's own config: a copy of what its row says, checked by the plugin's schema, the schema's defaults filled in,
 * deeply frozen.
 * @throws {GatewayDError} PLUGIN_BAD_CONFIG_SCHEMA or PLUGIN_BAD_CONFIG
 */
export async function pluginConfig(plugin: string, config: unknown, schema: object | undefined): Promise<unknown> {
  const copy = structuredClone(config ?? {});
  if (schema !== undefined) await check(plugin, copy, schema);
  return deepFreeze(copy);
}

async function check(plugin: string, config: unknown, schema: object): Promise<void> {
  // Takes longer to import than most plugins: only for one that has a schema.
  const isDraft2020 = '$schema' in schema && String(schema.$schema).includes('2020-12');
  const { Ajv } = isDraft2020 ? { Ajv: (await import('ajv/dist/2020.js')).Ajv2020 } : await import('ajv');
  const ajv = new Ajv({ useDefaults: true, allErrors: true, strict: false, logger: false });
  let isValid: boolean;
  try {
    isValid = ajv.validate<unknown>(schema, config);
  } catch (error) {
    throw new GatewayDError(
      pluginErrors.PLUGIN_BAD_CONFIG_SCHEMA,
      { plugin, reason: messageOf(error) },
      { cause: error },
    );
  }
  if (isValid) return;
  const reason = (ajv.errors ?? []).map(describe).join('; ');
  throw new GatewayDError(pluginErrors.PLUGIN_BAD_CONFIG, { plugin, reason });
}

function describe({ instancePath, keyword, params, message }: ErrorObject): string {
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
