import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { milliseconds } from '../config/durations.ts';
import type { GlobalConfig, ServerConfig } from '../config/schema.ts';
import { GatewayDError, messageOf } from '../errors.ts';
import { emit, emitSeries } from '../hooks/dispatch.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { Logger } from '../logger.ts';
import { backendSettings } from './backend.ts';
import { CancelRegistry } from './cancel-registry.ts';
import type { Database } from './database.ts';
import { parseEndpoint } from './endpoint.ts';
import { networkErrors } from './errors.ts';
import type { FrontendTls } from './frontend.ts';
import { RoundRobin } from './load-balancer.ts';
import { Pool } from './pool.ts';
import { Server } from './server.ts';
import { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';

/** The part of the configuration that the gateway is built from. */
export type NetworkConfig = Pick<GlobalConfig, 'clients' | 'pools' | 'proxies' | 'servers'>;

/** What a server gets from the gateway it belongs to. */
export interface ServerGroupOptions {
  readonly config: NetworkConfig;
  readonly hooks: Hooks;
  readonly logger: Logger;
  readonly cancels: CancelRegistry;
  /** Sessions of all servers, for `tick`. */
  readonly connections: () => number;
}

/** How long clients may take to read why they are ended, in milliseconds. */
const lastWordsTimeout = 2000;

/** A server with its databases and its sessions. */
export class ServerGroup {
  readonly name: string;
  readonly #config: ServerConfig;
  readonly #options: ServerGroupOptions;
  readonly #server: Server;
  readonly #context: SessionContext;
  readonly #sessions = new Map<Session, Promise<void>>();
  #ticker: NodeJS.Timeout | undefined;
  #stopping = false;

  /** @throws {GatewayDError} for addresses and certificates that cannot be used */
  constructor(name: string, config: ServerConfig, options: ServerGroupOptions) {
    this.name = name;
    this.#config = config;
    this.#options = options;
    const { hooks, logger, cancels } = options;
    const endpoint = parseEndpoint(`servers.${name}`, config.network, config.address);
    this.#context = {
      server: name,
      endpoint,
      hooks,
      logger,
      cancels,
      databases: new RoundRobin(databasesOf(name, options.config), restOf(name, options.config)),
      tls: config.enableTLS ? tlsOf(name, config) : null,
      loginTimeout: milliseconds(config.loginTimeout),
      maxMessageSize: config.maxMessageSize,
    };
    this.#server = new Server(name, endpoint, (socket) => this.#accept(socket));
  }

  get address(): string {
    return this.#server.address;
  }

  get sessions(): number {
    let count = 0;
    for (const session of this.#sessions.keys()) if (session.counted) count += 1;
    return count;
  }

  /** @throws {GatewayDError} NETWORK_ADDRESS_IN_USE, NETWORK_CANNOT_LISTEN */
  async listen(): Promise<void> {
    const { hooks, connections } = this.#options;
    const event = (): { name: string; address: string } => ({ name: this.name, address: this.address });
    await emitSeries(hooks.run, event());
    await emitSeries(hooks.booting, event());
    await this.#server.listen();
    await emitSeries(hooks.booted, event());
    if (!this.#config.enableTicker || this.#stopping) return;
    const tick = (): void => emit(hooks.tick, { connections: connections() });
    this.#ticker = setInterval(tick, milliseconds(this.#config.tickInterval)).unref();
  }

  /**
   * Stops to accept, lets the sessions end within `drainTimeout`, then tells the rest and ends them; what does not
   * even read that is cut off. Settles when all are closed.
   */
  async close(): Promise<void> {
    this.#stop();
    for (const session of this.#sessions.keys()) session.drain();
    let timer = setTimeout(() => {
      for (const session of this.#sessions.keys()) session.terminate(new GatewayDError(networkErrors.NETWORK_STOPPED));
      timer = setTimeout(() => this.destroy(), lastWordsTimeout);
    }, milliseconds(this.#config.drainTimeout));
    await Promise.all(this.#sessions.values());
    clearTimeout(timer);
  }

  /** Stops to accept and cuts all connections. */
  destroy(): void {
    this.#stop();
    for (const session of this.#sessions.keys()) session.destroy();
  }

  #stop(): void {
    this.#stopping = true;
    clearInterval(this.#ticker);
    this.#server.close();
  }

  #accept(socket: Socket): void {
    const session = new Session(nextId(), socket, this.#context);
    const over = session.run().finally(() => this.#sessions.delete(session));
    this.#sessions.set(session, over);
    // The system may have accepted it before we stopped.
    if (this.#stopping) session.drain();
  }
}

let lastId = 0;

function nextId(): string {
  lastId += 1;
  return String(lastId);
}

/** The blocks of `clients` for a server, each with its pool. */
function databasesOf(group: string, { clients, pools }: NetworkConfig): [Database, ...Database[]] {
  const missing = (key: string): GatewayDError =>
    new GatewayDError(networkErrors.NETWORK_INCOMPLETE, { server: group, key });
  const [first, ...others] = Object.entries(clients[group] ?? {}).map(([block, config]): Database => {
    const name = `${group}.${block}`;
    const pool = pools[group]?.[block];
    if (pool === undefined) throw missing(`pools.${name}`);
    const { size, queueSize } = pool;
    return {
      name,
      address: config.address,
      endpoint: parseEndpoint(`clients.${name}`, config.network, config.address),
      settings: backendSettings(name, config),
      pool: new Pool({ name, size, queueSize, acquireTimeout: milliseconds(pool.acquireTimeout) }),
    };
  });
  if (first === undefined) throw missing(`clients.${group}`);
  return [first, ...others];
}

/** For how long a database that could not be reached is tried last: until the next health check would be. */
function restOf(group: string, { proxies }: NetworkConfig): number {
  const periods = Object.values(proxies[group] ?? {}).map(({ healthCheckPeriod }) => milliseconds(healthCheckPeriod));
  return Math.min(60_000, ...periods);
}

function tlsOf(name: string, { certFile, keyFile, handshakeTimeout }: ServerConfig): FrontendTls {
  try {
    const secureContext = createSecureContext({
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      minVersion: 'TLSv1.2',
    });
    return { secureContext, handshakeTimeout: milliseconds(handshakeTimeout) };
  } catch (error) {
    const values = { server: name, reason: messageOf(error) };
    throw new GatewayDError(networkErrors.NETWORK_TLS_FILES, values, { cause: error });
  }
}
