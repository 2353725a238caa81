import path from 'node:path';
import type { GlobalConfig } from '../config/schema.ts';
import type { EmbeddedPostgres } from '../embedded/embedded-postgres.ts';
import type { Logger } from '../logger.ts';
import { loginDatabase } from '../network/build-backend-pools.ts';

type Clients = GlobalConfig['clients'];

const embeddedAddress = /^embedded(?::(?<directory>.*))?$/s;

/** A database that sessions are given to. */
export interface StartedDatabase {
  /** `group.block`, as in `clients`. */
  readonly name: string;
  readonly address: string;
  readonly embedded: boolean;
  /** Whom a client may log in as; known for an embedded PostgreSQL that asks its clients itself. */
  readonly user?: string;
  /** What a client may connect to; known for an embedded PostgreSQL, and where backends are logged in ahead. */
  readonly database?: string;
}

/** The databases of our own that a configuration asks for by the address `embedded` or `embedded:DIR`. */
export class EmbeddedDatabases {
  readonly #directory: string;
  readonly #logger: Logger;
  readonly #started = new Map<string, Promise<EmbeddedPostgres>>();

  /** @param directory what the folders in the addresses are relative to */
  constructor(directory: string, logger: Logger) {
    this.#directory = directory;
    this.#logger = logger;
  }

  /** Begins to start those that are asked for; `place` waits for them and throws what kept one from starting. */
  begin(clients: Clients): void {
    for (const address of embeddedAddresses(clients)) this.#start(address).catch(() => {});
  }

  /** Puts the address of a database of our own where the config says `embedded`. */
  async place(clients: Clients): Promise<{ clients: Clients; databases: StartedDatabase[] }> {
    const databases: StartedDatabase[] = [];
    const placed: Record<string, Record<string, Clients[string][string]>> = {};
    for (const [group, blocks] of Object.entries(clients)) {
      const placedBlocks: Record<string, Clients[string][string]> = (placed[group] = {});
      for (const [block, client] of Object.entries(blocks)) {
        const name = `${group}.${block}`;
        const { startupParams } = client;
        const loggedIn = startupParams === undefined ? {} : { database: loginDatabase(startupParams) };
        if (embeddedAddress.test(client.address)) {
          const { network, address, user, database } = await this.#start(client.address);
          placedBlocks[block] = { ...client, network, address };
          const reached = startupParams === undefined ? { user, database } : loggedIn;
          databases.push({ name, address, embedded: true, ...reached });
        } else {
          placedBlocks[block] = client;
          databases.push({ name, address: client.address, embedded: false, ...loggedIn });
        }
      }
    }
    return { clients: placed, databases };
  }

  #start(address: string): Promise<EmbeddedPostgres> {
    const known = this.#started.get(address);
    if (known !== undefined) return known;
    const directory = embeddedAddress.exec(address)?.groups?.['directory'];
    const started = this.#startIn(directory === undefined ? null : path.resolve(this.#directory, directory));
    this.#started.set(address, started);
    return started;
  }

  /** Stops all of them. One that did not start has been said to whoever waited for it. */
  async stop(): Promise<void> {
    await Promise.all(
      [...this.#started.values()].map((database) => database.then((one) => one.stop()).catch(() => {})),
    );
  }

  /** A plugin may have put another address where the file has `embedded`. */
  async stopUnused(clients: Clients): Promise<void> {
    const used = new Set(embeddedAddresses(clients));
    for (const [address, database] of this.#started) {
      if (used.has(address)) continue;
      this.#started.delete(address);
      await database.then((unused) => unused.stop()).catch(() => {});
    }
  }

  async #startIn(directory: string | null): Promise<EmbeddedPostgres> {
    const { startEmbeddedPostgres } = await import('../embedded/embedded-postgres.ts');
    return await startEmbeddedPostgres({ directory, logger: this.#logger.child({ part: 'embedded-postgres' }) });
  }
}

function embeddedAddresses(clients: Clients): string[] {
  const addresses = Object.values(clients).flatMap((blocks) => Object.values(blocks).map(({ address }) => address));
  return [...new Set(addresses.filter((address) => embeddedAddress.test(address)))];
}
