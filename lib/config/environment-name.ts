/** What all environment variables of ours start with. */
export const environmentPrefix = 'GATEWAYD_';

function snakeCase(key: string): string {
  return key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .toUpperCase();
}

/** The ways to write one key in the name of an environment variable: snake case first, then as GatewayD writes it. */
export function spellings(key: string): readonly string[] {
  const snake = snakeCase(key);
  const joined = key
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .toUpperCase();
  return snake === joined ? [snake] : [snake, joined];
}

/** The name of the environment variable for a path of keys, in snake case. */
export function environmentName(path: readonly string[]): string {
  return environmentPrefix + path.map((key) => spellings(key)[0]).join('_');
}

/** `SENTRY_DSN` as a key: `sentryDsn`. */
export function camelCase(upper: string): string {
  return upper.toLowerCase().replaceAll(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
