import { isDeepStrictEqual } from 'node:util';
import { milliseconds } from '../config/durations.ts';
import { GatewayDError } from '../errors.ts';
import { backendSettings } from './backend.ts';
import type { Database } from './database.ts';
import { parseEndpoint } from './endpoint.ts';
import { networkErrors } from './errors.ts';
import type { NetworkConfig } from './network-config.ts';
import { Pool } from './pool.ts';

/** Databases by server; each server's in the order of its blocks. */
export type DatabasesOfServers = ReadonlyMap<string, readonly [Database, ...Database[]]>;

/**
 * The databases of each server: a block of `clients` with its pool. One whose settings are as they were is the one
 * there was, so that its pool and what is known of its health stay.
 * @throws {GatewayDError} NETWORK_INCOMPLETE, NETWORK_BAD_ADDRESS, NETWORK_UDP
 */
export function buildDatabases(config: NetworkConfig, before: readonly Database[]): DatabasesOfServers {
  const known = new Map(before.map((database) => [database.name, database]));
  return new Map(Object.keys(config.servers).map((group) => [group, databasesOf(group, config, known)]));
}

function databasesOf(
  group: string,
  { clients, pools }: NetworkConfig,
  known: ReadonlyMap<string, Database>,
): [Database, ...Database[]] {
  const missing = (key: string): GatewayDError =>
    new GatewayDError(networkErrors.NETWORK_INCOMPLETE, { server: group, key });
  const [first, ...others] = Object.entries(clients[group] ?? {}).map(([block, client]): Database => {
    const name = `${group}.${block}`;
    const pool = pools[group]?.[block];
    if (pool === undefined) throw missing(`pools.${name}`);
    const config = { client, pool };
    const same = known.get(name);
    return same !== undefined && isDeepStrictEqual(same.config, config) ? same : build(name, config);
  });
  if (first === undefined) throw missing(`clients.${group}`);
  return [first, ...others];
}

function build(name: string, config: Database['config']): Database {
  const { client, pool } = config;
  const { size, queueSize } = pool;
  return {
    name,
    config,
    address: client.address,
    endpoint: parseEndpoint(`clients.${name}`, client.network, client.address),
    settings: backendSettings(name, client),
    pool: new Pool({ name, size, queueSize, acquireTimeout: milliseconds(pool.acquireTimeout) }),
  };
}
