import { sharedPostgres } from './shared-postgres.ts';

/** A configuration before the shared PostgreSQL, on a free loopback port, with these lines behind it. */
export async function sharedConfig(...lines: readonly string[]): Promise<string> {
  const { address } = await sharedPostgres();
  return [
    `clients: { default: { writes: { network: unix, address: '${address}' } } }`,
    'servers: { default: { address: 127.0.0.1:0 } }',
    ...lines,
    '',
  ].join('\n');
}
