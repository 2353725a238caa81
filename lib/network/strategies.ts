import { createHash, randomInt } from 'node:crypto';
import type { Address } from '../hooks/payloads.ts';

/** What is chosen from: something with a name. */
export interface Named {
  /** `group.block` */
  readonly name: string;
}

/**
 * A way to spread sessions over databases: gives those it is given in the order in which a session of this client is
 * to try them.
 */
export type Strategy<T extends Named> = (targets: readonly T[], client: Address) => readonly T[];

/** The share of each database, by name; those that are not in it have none. */
export type Weights = ReadonlyMap<string, number>;

/** Each new session starts one further in the list. */
export function roundRobin<T extends Named>(): Strategy<T> {
  let next = 0;
  return (targets) => {
    const start = next % targets.length;
    next = start + 1;
    return [...targets.slice(start), ...targets.slice(0, start)];
  };
}

/** Any order is as likely as any other. */
export function random<T extends Named>(): Strategy<T> {
  return (targets) => {
    const shuffled = [...targets];
    for (let last = shuffled.length - 1; last > 0; last -= 1) {
      const chosen = randomInt(last + 1);
      [shuffled[last], shuffled[chosen]] = [shuffled[chosen] as T, shuffled[last] as T];
    }
    return shuffled;
  };
}

/**
 * Each database gets its share, evenly spread in time: of weights 5, 1, 1 come `a a b a c a a`. Those without a share
 * come last: nobody goes there as long as another one can be reached.
 */
export function weightedRoundRobin<T extends Named>(weights: Weights): Strategy<T> {
  // What each is owed: it grows by its weight, and whoever is owed most pays the sum.
  const owed = new Map<string, number>();
  return (targets) => {
    let sum = 0;
    for (const { name } of targets) {
      const weight = weights.get(name) ?? 0;
      sum += weight;
      owed.set(name, (owed.get(name) ?? 0) + weight);
    }
    const claim = ({ name }: T): number => (weights.get(name) ? (owed.get(name) ?? 0) : -Infinity);
    const order = targets.toSorted((one, other) => claim(other) - claim(one) || 0);
    const [first] = order;
    if (first !== undefined) owed.set(first.name, (owed.get(first.name) ?? 0) - sum);
    return order;
  };
}

/**
 * The same client gets the same database each time, and in any gateway. When one comes or goes, only the clients move
 * that get the new one or had the old one (rendezvous hashing).
 * @param keyOf what of the client's address counts
 * @param weights shares; all alike where they are left out
 */
export function consistentHash<T extends Named>(keyOf: (client: Address) => string, weights?: Weights): Strategy<T> {
  return (targets, client) => {
    const key = keyOf(client);
    const score = new Map(targets.map((target) => [target, scoreOf(key, target.name, weights)]));
    return targets.toSorted((one, other) => (score.get(other) ?? 0) - (score.get(one) ?? 0));
  };
}

/** The higher of two scores has the share of its weight in all keys. */
function scoreOf(key: string, name: string, weights: Weights | undefined): number {
  const bits = createHash('sha256').update(`${key}\0${name}`).digest().readUIntBE(0, 6);
  const weight = weights === undefined ? 1 : (weights.get(name) ?? 0);
  return weight / -Math.log((bits + 1) / (2 ** 48 + 1));
}

/** The address without its port, and as IPv4 where it is that within IPv6. */
export function sourceIp({ host }: Address): string {
  return host.replace(/^::ffff:(?=[\d.]+$)/i, '');
}
