import { emitSeries } from '../hooks/dispatch.ts';
import type { Built, Hooks } from '../hooks/hooks.ts';
import type { Logger } from '../logger.ts';
import { CancelRegistry } from './cancel-registry.ts';
import { type NetworkConfig, ServerGroup } from './server-group.ts';

/** What a gateway is made from. */
export interface GatewayOptions {
  readonly config: NetworkConfig;
  readonly hooks: Hooks;
  readonly logger: Logger;
}

/**
 * The PostgreSQL gateway: every group of `servers`, each in front of the databases of the same group in `clients`.
 * A client's session has a database connection of its own for its life.
 */
export class Gateway implements AsyncDisposable {
  readonly #config: NetworkConfig;
  readonly #hooks: Hooks;
  readonly #groups: readonly ServerGroup[];

  /** @throws {GatewayDError} for addresses and certificates that cannot be used */
  constructor(options: GatewayOptions) {
    this.#config = options.config;
    this.#hooks = options.hooks;
    const shared = { ...options, cancels: new CancelRegistry(), connections: () => this.sessions };
    this.#groups = Object.entries(options.config.servers).map(
      ([name, config]) => new ServerGroup(name, config, shared),
    );
  }

  /** Where the servers listen, or are to; a port 0 is the real one once they do. */
  get addresses(): readonly { readonly name: string; readonly address: string }[] {
    return this.#groups.map(({ name, address }) => ({ name, address }));
  }

  /** Sessions there are now, from their `opening` to their `closed`. */
  get sessions(): number {
    return this.#groups.reduce((sum, group) => sum + group.sessions, 0);
  }

  /**
   * Tells the plugins what is built, then starts each server. Settles when all of them listen; when one cannot, the
   * others are stopped again.
   * @throws {GatewayDError} NETWORK_ADDRESS_IN_USE, NETWORK_CANNOT_LISTEN
   */
  async listen(): Promise<void> {
    for (const event of inBlocks(this.#config.pools)) await emitSeries(this.#hooks.newPool, event);
    for (const event of inBlocks(this.#config.clients)) await emitSeries(this.#hooks.newClient, event);
    for (const event of inBlocks(this.#config.proxies)) await emitSeries(this.#hooks.newProxy, event);
    for (const [name, config] of Object.entries(this.#config.servers)) {
      await emitSeries(this.#hooks.newServer, { name, config });
    }
    try {
      for (const group of this.#groups) await group.listen();
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  /**
   * Stops to accept and drains: a session with nothing in flight is told 57P01 and ended, one that is busy when it
   * has become idle, and at `drainTimeout` the rest. Settles when every connection is closed. May be called again.
   */
  async close(): Promise<void> {
    await Promise.all(this.#groups.map((group) => group.close()));
  }

  /** Stops to accept and cuts every connection, whatever is in flight. */
  destroy(): void {
    for (const group of this.#groups) group.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function inBlocks(section: Readonly<Record<string, Readonly<Record<string, Built['config']>>>>): Built[] {
  return Object.entries(section).flatMap(([group, blocks]) =>
    Object.entries(blocks).map(([block, config]) => ({ name: `${group}.${block}`, config })),
  );
}
