import { turn } from '../turn.ts';
import type { Hooks } from './hooks.ts';

/** One set of loaded plugins, on a bus of its own. */
export interface Generation {
  /** Counts up from 1, the one the process started with. */
  readonly number: number;
  readonly hooks: Hooks;
}

/** Whoever keeps a generation from being put away: a session. */
export interface Tenant {
  /** There is a newer generation, to be moved to when nothing is in flight. May be called more than once. */
  superseded(): void;
  /** The time to move is over for whoever still has this lease. */
  evicted(lease: Lease): void;
}

/** A tenant's stay in one generation, which is not put away before the lease is released. */
export interface Lease {
  readonly generation: Generation;
  /** May be called again. */
  release(): void;
}

/** A generation that was replaced. */
export interface Superseded {
  readonly generation: Generation;
  /** Settles when the last lease has been released; never rejects. */
  readonly left: Promise<void>;
  /** Ends the stay of those that have not moved. */
  evict(): void;
}

class Tenancy {
  readonly generation: Generation;
  readonly leases = new Map<Lease, Tenant>();
  #onLeft: (() => void) | null = null;

  constructor(generation: Generation) {
    this.generation = generation;
  }

  lease(tenant: Tenant): Lease {
    const lease: Lease = { generation: this.generation, release: () => this.#release(lease) };
    this.leases.set(lease, tenant);
    return lease;
  }

  supersede(): Superseded {
    const left = new Promise<void>((resolve) => {
      this.#onLeft = resolve;
    });
    this.#settle();
    void this.#tell([...this.leases]);
    return { generation: this.generation, left, evict: () => this.#evict() };
  }

  /** Moving takes time: with thousands of tenants, and with few, traffic goes on between. */
  async #tell(leases: readonly (readonly [Lease, Tenant])[]): Promise<void> {
    for (const [lease, tenant] of leases) {
      await turn();
      if (this.leases.has(lease)) tenant.superseded();
    }
  }

  #evict(): void {
    for (const [lease, tenant] of this.leases) tenant.evicted(lease);
  }

  #release(lease: Lease): void {
    if (this.leases.delete(lease)) this.#settle();
  }

  #settle(): void {
    if (this.leases.size === 0) this.#onLeft?.();
  }
}

/**
 * The generations of a process. New sessions begin in the current one; when it is replaced, those in it are told to
 * move, and it can be put away when they have.
 */
export class Generations {
  readonly #tenancies = new Set<Tenancy>();
  #current: Tenancy;

  /** @param hooks the bus of the first generation */
  constructor(hooks: Hooks) {
    this.#current = new Tenancy({ number: 1, hooks });
    this.#tenancies.add(this.#current);
  }

  get current(): Generation {
    return this.#current.generation;
  }

  /** The generations there are, oldest first, each with how many leases it has. */
  get all(): readonly { readonly number: number; readonly tenants: number }[] {
    return [...this.#tenancies].map(({ generation: { number }, leases }) => ({ number, tenants: leases.size }));
  }

  /** A stay in the current generation. */
  lease(tenant: Tenant): Lease {
    return this.#current.lease(tenant);
  }

  /**
   * Makes a bus the current generation.
   * @param number higher than all before it: one that was tried and refused leaves a gap
   */
  replace(hooks: Hooks, number: number = this.current.number + 1): Superseded {
    const old = this.#current;
    this.#current = new Tenancy({ number, hooks });
    this.#tenancies.add(this.#current);
    const superseded = old.supersede();
    void superseded.left.then(() => this.#tenancies.delete(old));
    return superseded;
  }
}
