import { isDeepStrictEqual } from 'node:util';
import { milliseconds } from '../config/durations.ts';
import { GatewayDError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { backendSettings } from './backend.ts';
import { BackendTls } from './backend-tls.ts';
import { buildBackendPools } from './build-backend-pools.ts';
import type { Database } from './database.ts';
import { encrypted, parseEndpoint } from './endpoint.ts';
import { networkErrors } from './errors.ts';
import { Health } from './health.ts';
import type { NetworkConfig } from './network-config.ts';
import { Places } from './places.ts';
import { Pool } from './pool.ts';
import { stallLimits } from './stall-watch.ts';

/** Databases by server; each server's in the order of its blocks. */
export type DatabasesOfServers = ReadonlyMap<string, readonly [Database, ...Database[]]>;

/** What databases are built with besides their settings. */
export interface DatabaseSurroundings {
  readonly logger: Logger;
  /** What files are relative to. */
  readonly directory: string;
}

/**
 * The databases of each server: a block of `clients` with its pool. One whose settings are as they were is the one
 * there was, so that its pool and what is known of its health stay.
 * @throws {GatewayDError} NETWORK_INCOMPLETE, NETWORK_BAD_ADDRESS, NETWORK_UDP, NETWORK_BACKEND_TLS_FILES
 */
export function buildDatabases(
  config: NetworkConfig,
  before: readonly Database[],
  surroundings: DatabaseSurroundings,
): DatabasesOfServers {
  const known = new Map(before.map((database) => [database.name, database]));
  return new Map(Object.keys(config.servers).map((group) => [group, databasesOf(group, config, known, surroundings)]));
}

function databasesOf(
  group: string,
  { clients, pools, proxies }: NetworkConfig,
  known: ReadonlyMap<string, Database>,
  surroundings: DatabaseSurroundings,
): [Database, ...Database[]] {
  const missing = (key: string): GatewayDError =>
    new GatewayDError(networkErrors.NETWORK_INCOMPLETE, { server: group, key });
  const [first, ...others] = Object.entries(clients[group] ?? {}).map(([block, client]): Database => {
    const name = `${group}.${block}`;
    const pool = pools[group]?.[block];
    if (pool === undefined) throw missing(`pools.${name}`);
    const checkPeriod = proxies[group]?.[block]?.healthCheckPeriod ?? '0s';
    const config = { client, pool, checkPeriod };
    const same = known.get(name);
    if (same !== undefined && isDeepStrictEqual(same.config, config)) return same;
    const { network, address } = same?.config.client ?? {};
    const isThere = network === client.network && address === client.address;
    const places = same !== undefined && isThere ? same.places : new Places(pool.size);
    return build(name, config, places, surroundings);
  });
  if (first === undefined) throw missing(`clients.${group}`);
  return [first, ...others];
}

function build(
  name: string,
  config: Database['config'],
  places: Places,
  { directory, logger }: DatabaseSurroundings,
): Database {
  const { client, pool } = config;
  const { size, queueSize } = pool;
  const tls = client.tls.mode === 'disable' ? null : new BackendTls(name, client.tls, directory, logger);
  const endpoint = encrypted(parseEndpoint(`clients.${name}`, client.network, client.address, directory), tls);
  const checkPeriod = milliseconds(config.checkPeriod);
  return {
    name,
    config,
    address: client.address,
    endpoint,
    tls,
    settings: backendSettings(name, client),
    places,
    pool: new Pool({ name, size, queueSize, acquireTimeout: milliseconds(pool.acquireTimeout), places }),
    health: new Health(),
    limits: stallLimits(client),
    backends: buildBackendPools({ name, client, pool, endpoint, checkPeriod, logger, places }),
  };
}
