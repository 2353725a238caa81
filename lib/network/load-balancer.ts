import type { ServerConfig } from '../config/schema.ts';
import type { Address } from '../hooks/payloads.ts';
import type { Health } from './health.ts';
import {
  consistentHash,
  type Named,
  random,
  roundRobin,
  sourceIp,
  type Strategy,
  weightedRoundRobin,
  type Weights,
} from './strategies.ts';

/** What a load balancer chooses from. */
export interface Target extends Named {
  readonly health: Health;
}

/** Decides which database of a server a new session gets. */
export class LoadBalancer<T extends Target> {
  readonly #targets: readonly [T, ...T[]];
  readonly #strategy: Strategy<T>;
  /** For how long one that could not be reached comes last, in milliseconds. */
  readonly #pause: number;

  constructor(targets: readonly [T, ...T[]], strategy: Strategy<T>, pause: number) {
    this.#targets = targets;
    this.#strategy = strategy;
    this.#pause = pause;
  }

  /** All databases, in the order in which a session is to try them: those that cannot be reached come last. */
  candidates(client: Address): readonly [T, ...T[]] {
    if (this.#targets.length === 1) return this.#targets;
    const [up, down] = [false, true].map((wanted) => this.#targets.filter(({ health }) => health.isDown === wanted));
    const ordered = up === undefined || up.length === 0 ? [] : this.#strategy(up, client);
    const [first = this.#targets[0], ...others] = [...ordered, ...(down ?? [])];
    return [first, ...others];
  }

  /** One could not be reached: it comes after the others for a while. */
  failed({ health }: T): void {
    health.failed(this.#pause);
  }

  /** One was reached. */
  reached({ health }: T): void {
    health.reached();
  }
}

/** The strategy that a server's configuration asks for. */
export function strategyOf<T extends Named>(server: string, config: ServerConfig['loadBalancer']): Strategy<T> {
  const { strategy, consistentHash: hash } = config;
  const weights = strategy === 'WEIGHTED_ROUND_ROBIN' ? weightsOf(server, config) : undefined;
  if (hash !== undefined) {
    const whole = ({ host, port }: Address): string => `${host} ${port}`;
    return consistentHash(hash.useSourceIp ? sourceIp : whole, weights);
  }
  if (weights !== undefined) return weightedRoundRobin(weights);
  return strategy === 'RANDOM' ? random() : roundRobin();
}

function weightsOf(server: string, { loadBalancingRules: [rule] }: ServerConfig['loadBalancer']): Weights {
  return new Map((rule?.distribution ?? []).map(({ proxyName, weight }) => [`${server}.${proxyName}`, weight]));
}
