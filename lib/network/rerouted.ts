import { GatewayDError } from '../errors.ts';
import type { BackendAddress } from '../hooks/payloads.ts';
import type { Database } from './database.ts';
import { encrypted, parseEndpoint } from './endpoint.ts';
import { networkErrors } from './errors.ts';
import { Health } from './health.ts';

/**
 * The database that a tap of `route` chose: one of the candidates by name, which lends its pool and its settings,
 * at the tap's address, which may be another one (a path is a Unix socket).
 * @throws {GatewayDError} NETWORK_ROUTE_UNKNOWN, NETWORK_BAD_ADDRESS
 */
export function rerouted(server: string, candidates: readonly Database[], chosen: BackendAddress): Database {
  const { name, address } = chosen;
  const database = candidates.find((candidate) => candidate.name === name);
  if (database === undefined) throw new GatewayDError(networkErrors.NETWORK_ROUTE_UNKNOWN, { route: name, server });
  if (address === database.address) return database;
  const endpoint = parseEndpoint(`route ${name}`, address.startsWith('/') ? 'unix' : 'tcp', address);
  return { ...database, address, endpoint: encrypted(endpoint, database.tls), health: new Health() };
}
