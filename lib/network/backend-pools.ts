import { BackendPool } from './backend-pool.ts';
import { type Endpoint, formatEndpoint } from './endpoint.ts';

/**
 * The pools of logged-in backends of one block of `clients`: one for its address, and one for each other address that a
 * plugin sends sessions to, for as long as there is anything in it.
 */
export class BackendPools {
  /** For the address in the config. */
  readonly home: BackendPool;
  readonly #homeEndpoint: Endpoint;
  readonly #make: (endpoint: Endpoint, isHome: boolean) => BackendPool;
  readonly #elsewhere = new Map<string, BackendPool>();

  constructor(endpoint: Endpoint, make: (endpoint: Endpoint, isHome: boolean) => BackendPool) {
    this.#make = make;
    this.#homeEndpoint = endpoint;
    this.home = make(endpoint, true);
  }

  /** The pool for an address. */
  at(endpoint: Endpoint): BackendPool {
    if (endpoint === this.#homeEndpoint) return this.home;
    const key = keyOf(endpoint);
    if (key === keyOf(this.#homeEndpoint)) return this.home;
    const known = this.#elsewhere.get(key);
    if (known !== undefined) return known;
    for (const [name, pool] of this.#elsewhere) if (pool.total === 0 && pool.waiting === 0) this.#forget(name, pool);
    const pool = this.#make(endpoint, false);
    this.#elsewhere.set(key, pool);
    pool.start();
    return pool;
  }

  /** Logs in as many as are to be ready. */
  start(): void {
    this.home.start();
  }

  /** Another configuration is in force: each backend ends when its session does. */
  retire(): void {
    for (const pool of this.#all()) pool.retire();
  }

  /** Ends all of them. Settles when the last is gone. */
  async close(): Promise<void> {
    await Promise.all(this.#all().map((pool) => pool.close()));
  }

  /** Cuts what no session has. */
  destroy(): void {
    for (const pool of this.#all()) pool.destroy();
  }

  #all(): BackendPool[] {
    return [this.home, ...this.#elsewhere.values()];
  }

  #forget(name: string, pool: BackendPool): void {
    pool.retire();
    this.#elsewhere.delete(name);
  }
}

function keyOf(endpoint: Endpoint): string {
  return `${endpoint.kind} ${formatEndpoint(endpoint)}`;
}
