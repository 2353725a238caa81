import { milliseconds } from '../config/durations.ts';
import type { ServerConfig } from '../config/schema.ts';
import type { Generations } from '../hooks/generation.ts';
import type { Logger } from '../logger.ts';
import { buildDatabases } from './build-databases.ts';
import { buildGatekeeper } from './build-gatekeeper.ts';
import type { CancelRegistry } from './cancel-registry.ts';
import type { Database } from './database.ts';
import { type Endpoint, formatEndpoint, parseEndpoint } from './endpoint.ts';
import { ServerTls } from './frontend-tls.ts';
import { HealthCheck } from './health-check.ts';
import { LoadBalancer, strategyOf } from './load-balancer.ts';
import type { NetworkConfig } from './network-config.ts';
import type { SessionContext } from './session-context.ts';
import { socketPermissions } from './socket-permissions.ts';

/** What all servers of a gateway share, whatever the configuration says. */
export interface ServerSurroundings {
  readonly generations: Generations;
  readonly logger: Logger;
  readonly cancels: CancelRegistry;
  /** What files are relative to. */
  readonly directory: string;
  /** Sessions of all servers, for `tick`. */
  readonly connections: () => number;
}

/** All that a configuration says of one server, ready to be used: nothing in it can fail any more but to listen. */
export interface ServerPlan {
  readonly name: string;
  readonly config: ServerConfig;
  readonly endpoint: Endpoint;
  /** Servers of two configurations with the same key listen on the same socket. */
  readonly socketKey: string;
  readonly databases: readonly [Database, ...Database[]];
  readonly tls: ServerTls | null;
  /** To be started when it is in force. */
  readonly healthChecks: readonly HealthCheck[];
  /** What its new sessions share. */
  readonly context: SessionContext;
}

/**
 * Plans every server of a configuration; nothing is started and nothing that runs is touched.
 * @param before the databases there are, of which those stay whose settings stay
 * @throws {GatewayDError} for addresses and certificates that cannot be used
 */
export function planServers(
  config: NetworkConfig,
  before: readonly Database[],
  surroundings: ServerSurroundings,
): ServerPlan[] {
  return [...buildDatabases(config, before, surroundings)].map(([name, databases]) => {
    const server = config.servers[name] as ServerConfig;
    const { generations, logger, cancels, directory } = surroundings;
    const address = parseEndpoint(`servers.${name}`, server.network, server.address, directory);
    const endpoint = address.kind === 'unix' ? { ...address, permissions: socketPermissions(server) } : address;
    const tls = server.enableTLS ? new ServerTls(name, server, directory, logger) : null;
    const balancer = new LoadBalancer(databases, strategyOf<Database>(name, server.loadBalancer), restOf(name, config));
    const healthChecks = healthChecksOf(name, databases, config, logger);
    const context: SessionContext = {
      server: name,
      endpoint,
      generations,
      logger,
      cancels,
      databases: balancer,
      gatekeeper: buildGatekeeper({ server: name, auth: server.auth, databases, directory, logger }),
      tls,
      loginTimeout: milliseconds(server.loginTimeout),
      maxMessageSize: server.maxMessageSize,
    };
    return { name, config: server, endpoint, socketKey: keyOf(name, endpoint), databases, tls, healthChecks, context };
  });
}

/** A port that the system chooses is nobody else's. */
function keyOf(name: string, endpoint: Endpoint): string {
  const address = `${endpoint.kind} ${formatEndpoint(endpoint)}`;
  return endpoint.kind === 'tcp' && endpoint.port === 0 ? `${address} of ${name}` : address;
}

/** Milliseconds between two looks at a database; 0 is never. */
function periodOf(group: string, block: string, { proxies }: NetworkConfig): number {
  const proxy = proxies[group]?.[block];
  return proxy === undefined ? 0 : milliseconds(proxy.healthCheckPeriod);
}

/** For how long a database that could not be reached is tried last, unless a look at it says otherwise before. */
function restOf(group: string, config: NetworkConfig): number {
  const periods = Object.keys(config.proxies[group] ?? {}).map((block) => periodOf(group, block, config));
  return Math.min(60_000, ...periods);
}

/** Where there is one database only, nothing depends on how it is. */
function healthChecksOf(
  group: string,
  databases: readonly Database[],
  config: NetworkConfig,
  logger: Logger,
): readonly HealthCheck[] {
  if (databases.length === 1) return [];
  return databases.flatMap((database) => {
    const period = periodOf(group, database.name.slice(group.length + 1), config);
    return period === 0 ? [] : [new HealthCheck(database, period, logger)];
  });
}
