import { configSchema } from './schema.ts';

/**
 * The JSON Schema that editors check gatewayd.yaml with and show the descriptions of. The build writes it to
 * `dist/gatewayd.schema.json`; the shipped gatewayd.yaml points there.
 */
export function editorSchema(): object {
  // The mark on durations is ours; an editor would look for a format of that name.
  return JSON.parse(
    JSON.stringify(configSchema, (key, value: unknown) => (key === 'format' ? undefined : value)),
  ) as object;
}
