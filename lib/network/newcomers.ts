import type { SessionState } from './session-state.ts';

/** A connection that may not be logged in yet. */
export interface Newcomer {
  readonly state: SessionState;
  /** Where it comes from: an IP address, or the path of a Unix socket. */
  readonly host: string;
}

/** Those that wait for the database are none of them: the pool's queue has a limit of its own. */
const unauthenticated: ReadonlySet<SessionState> = new Set(['starting', 'opening', 'authenticating']);
const settled: ReadonlySet<SessionState> = new Set(['open', 'draining', 'closed']);

/** The connections of a server that are not logged in, which anybody can make: they are limited in number. */
export class Newcomers<T extends Newcomer> {
  /** In the order they came; some are long logged in, and are taken out when it matters. */
  readonly #all = new Set<T>();

  /**
   * Takes one in.
   * @param limit how many there may be; 0 is without limit
   * @returns who has to go for it, null where there is room. When one address holds more than its share, that is the
   * oldest of it, so that it cannot keep others out; else it is the new one itself
   */
  admit(newcomer: T, limit: number): T | null {
    this.#all.add(newcomer);
    if (limit === 0 || this.#all.size <= limit) return null;
    for (const one of this.#all) if (settled.has(one.state)) this.#all.delete(one);
    const waiting = [...this.#all].filter(({ state }) => unauthenticated.has(state));
    if (waiting.length <= limit) return null;
    const out = this.#greediest(waiting, newcomer, limit) ?? newcomer;
    this.#all.delete(out);
    return out;
  }

  /** One is over. */
  leave(newcomer: T): void {
    this.#all.delete(newcomer);
  }

  /** The oldest of the address that has most, where that is another than the newcomer's and more than a quarter of all. */
  #greediest(waiting: readonly T[], newcomer: T, limit: number): T | null {
    const counts = new Map<string, number>();
    for (const { host } of waiting) counts.set(host, (counts.get(host) ?? 0) + 1);
    const [most, count] = [...counts].reduce((one, other) => (other[1] > one[1] ? other : one), ['', 0]);
    if (most === newcomer.host || count <= limit / 4) return null;
    return waiting.find(({ host }) => host === most) ?? null;
  }
}
