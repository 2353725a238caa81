import type { PluginRow } from './schema.ts';
import { pluginRowSchema } from './sections/plugins.ts';

/** A row of `plugins` that says nothing but a name: every other key as the schema's default has it. */
export function defaultPluginRow(name: string): PluginRow {
  const properties: Readonly<Record<string, object>> = pluginRowSchema.properties;
  const defaults = Object.entries(properties).flatMap(([key, schema]) =>
    'default' in schema ? [[key, structuredClone(schema.default)]] : [],
  );
  return { ...(Object.fromEntries(defaults) as PluginRow), name };
}
