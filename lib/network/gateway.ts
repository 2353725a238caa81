import { isDeepStrictEqual } from 'node:util';
import { emitSeries } from '../hooks/dispatch.ts';
import type { Generations } from '../hooks/generation.ts';
import type { Built, Hooks } from '../hooks/hooks.ts';
import type { Logger } from '../logger.ts';
import { type ArrangedSockets, arrangeSockets } from './arrange-sockets.ts';
import type { BackendPools } from './backend-pools.ts';
import { CancelRegistry } from './cancel-registry.ts';
import type { Database } from './database.ts';
import type { NetworkConfig } from './network-config.ts';
import type { Server } from './server.ts';
import { ServerGroup } from './server-group.ts';
import { planServers, type ServerPlan, type ServerSurroundings } from './server-plan.ts';

/** What a gateway is made from. */
export interface GatewayOptions {
  readonly config: NetworkConfig;
  readonly generations: Generations;
  readonly logger: Logger;
  /** What files named in the configuration are relative to; the working directory where it is left out. */
  readonly directory?: string;
}

const nothing: NetworkConfig = { clients: {}, pools: {}, proxies: {}, servers: {} };

/**
 * The PostgreSQL gateway: every group of `servers`, each in front of the databases of the same group in `clients`.
 * A client's session has a database connection of its own for its life.
 */
export class Gateway implements AsyncDisposable {
  readonly #surroundings: ServerSurroundings;
  readonly #groups = new Map<string, ServerGroup>();
  /** Servers that a newer configuration does not have any more, with the sessions they still have. */
  readonly #leaving = new Set<ServerGroup>();
  #config: NetworkConfig = nothing;
  /** Of the configuration in force. */
  #pools: readonly BackendPools[] = [];
  /** What `listen` is to start with. */
  #first: { readonly config: NetworkConfig; readonly plans: readonly ServerPlan[] } | null;
  /** Settles, and never rejects, when the change before the next one is over. */
  #changing: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @throws {GatewayDError} for addresses and certificates that cannot be used */
  constructor({ config, generations, logger, directory = process.cwd() }: GatewayOptions) {
    const cancels = new CancelRegistry();
    this.#surroundings = { generations, logger, cancels, directory, connections: () => this.sessions };
    this.#first = { config, plans: this.#plan(config) };
  }

  /** Where the servers listen; a port 0 is the real one. */
  get addresses(): readonly { readonly name: string; readonly address: string }[] {
    return [...this.#groups.values()].map(({ name, server }) => ({ name, address: server?.address ?? '' }));
  }

  /** Sessions there are now, from their `opening` to their `closed`. */
  get sessions(): number {
    return this.#all().reduce((sum, group) => sum + group.sessions, 0);
  }

  /**
   * Tells the plugins what is built, then starts each server. Settles when all of them listen; when one cannot, the
   * others are stopped again. To be called once.
   * @throws {GatewayDError} NETWORK_ADDRESS_IN_USE, NETWORK_CANNOT_LISTEN
   */
  async listen(): Promise<void> {
    const first = this.#first;
    this.#first = null;
    if (first !== null)
      await this.#inTurn(() => this.#change(first.config, first.plans, this.#surroundings.generations.current.hooks));
  }

  /**
   * Goes over to another configuration without a stop: new sessions use it, those there are go on with what they have.
   * Servers that are new listen when this settles, those that are gone accept nobody; a server that moved listens at
   * its new address, and one whose address stays keeps its socket. A database whose settings in `clients` and `pools`
   * stay keeps its pool. Certificates are read again. Changes asked for at once are made one after the other.
   *
   * When the configuration cannot be used, nothing changes. Where two servers of the old and the new configuration
   * need the same port on different addresses (0.0.0.0 and 127.0.0.1), the old one stops a moment before the new one
   * listens.
   * @param config as `checkConfig` gives it
   * @param hooks who is told of it; the current generation where it is left out
   * @throws {GatewayDError} for addresses and certificates that cannot be used, NETWORK_ADDRESS_IN_USE,
   * NETWORK_CANNOT_LISTEN
   */
  async reconfigure(config: NetworkConfig, hooks: Hooks = this.#surroundings.generations.current.hooks): Promise<void> {
    await this.#inTurn(() => this.#change(config, this.#plan(config), hooks));
  }

  /**
   * Stops to accept and drains: a session with nothing in flight is told 57P01 and ended, one that is busy when it
   * has become idle, and at `drainTimeout` the rest. Settles when every connection is closed. May be called again.
   */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#changing;
    const groups = this.#all();
    await Promise.all(groups.map((group) => group.close()));
    await Promise.all(this.#pools.map((pools) => pools.close()));
  }

  /** Stops to accept and cuts every connection, whatever is in flight. */
  destroy(): void {
    this.#closed = true;
    for (const group of this.#all()) group.destroy();
    for (const pools of this.#pools) pools.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #all(): ServerGroup[] {
    return [...this.#groups.values(), ...this.#leaving];
  }

  #plan(config: NetworkConfig): ServerPlan[] {
    const databases = [...this.#groups.values()].flatMap(({ plan }) => plan.databases);
    return planServers(config, databases, this.#surroundings);
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const over = this.#changing.then(change);
    this.#changing = over.catch(() => undefined);
    return over;
  }

  async #change(config: NetworkConfig, plans: readonly ServerPlan[], hooks: Hooks): Promise<void> {
    if (this.#closed) return;
    await this.#tell(config, hooks);
    const before = new Map<string, Server>();
    for (const { plan, server } of this.#groups.values()) if (server !== null) before.set(plan.socketKey, server);
    const sockets = await arrangeSockets(plans, before, hooks);
    this.#config = config;
    this.#adopt(plans, sockets);
    if (this.#closed) return this.destroy();
    for (const { name, address } of this.addresses) {
      if (sockets.opened.includes(name)) await emitSeries(hooks.booted, { name, address });
    }
  }

  /** From here on nothing can fail. */
  #adopt(plans: readonly ServerPlan[], { byServer, unused }: ArrangedSockets): void {
    for (const server of unused) server.close();
    for (const [name, group] of this.#groups) if (!byServer.has(name)) this.#dismiss(group);
    this.#changePools(plans.flatMap(({ databases }) => databases));
    for (const plan of plans) {
      const server = byServer.get(plan.name) as Server;
      const group = this.#groups.get(plan.name);
      if (group === undefined) this.#groups.set(plan.name, new ServerGroup(plan, server, this.#surroundings));
      else group.adopt(plan, server);
    }
  }

  #changePools(databases: readonly Database[]): void {
    const pools = databases.flatMap(({ backends }) => (backends === null ? [] : [backends]));
    for (const old of this.#pools) if (!pools.includes(old)) old.retire();
    for (const { places, pool } of databases) places.allow(pool.size);
    for (const one of pools) one.start();
    this.#pools = pools;
  }

  #dismiss(group: ServerGroup): void {
    this.#groups.delete(group.name);
    this.#leaving.add(group);
    void group.leave().finally(() => this.#leaving.delete(group));
  }

  /** Tells the plugins of what is not as it was. */
  async #tell(config: NetworkConfig, hooks: Hooks): Promise<void> {
    const { newPool, newClient, newProxy, newServer } = hooks;
    const before = this.#config;
    for (const event of changed(inBlocks(before.pools), inBlocks(config.pools))) await emitSeries(newPool, event);
    for (const event of changed(inBlocks(before.clients), inBlocks(config.clients))) await emitSeries(newClient, event);
    for (const event of changed(inBlocks(before.proxies), inBlocks(config.proxies))) await emitSeries(newProxy, event);
    for (const event of changed(named(before.servers), named(config.servers))) await emitSeries(newServer, event);
  }
}

type Section = Readonly<Record<string, Built['config']>>;

function named(section: Section): Built[] {
  return Object.entries(section).map(([name, config]) => ({ name, config }));
}

function inBlocks(section: Readonly<Record<string, Section>>): Built[] {
  return Object.entries(section).flatMap(([group, blocks]) =>
    Object.entries(blocks).map(([block, config]) => ({ name: `${group}.${block}`, config })),
  );
}

function changed(before: readonly Built[], now: readonly Built[]): Built[] {
  const known = new Map(before.map(({ name, config }) => [name, config]));
  return now.filter(({ name, config }) => !isDeepStrictEqual(known.get(name), config));
}
