/** What a load balancer chooses from: something with a name. */
export interface Target {
  /** `group.block` */
  readonly name: string;
}

/** Decides which database of a server a new session gets. */
export interface LoadBalancer<T extends Target> {
  /** All databases, in the order in which a session is to try them. */
  candidates(): readonly [T, ...T[]];
  /** One could not be reached: it comes after the others for a while. */
  failed(target: T): void;
  /** One was reached. */
  reached(target: T): void;
}

/** Each new session starts one further in the list; what was down lately comes last. */
export class RoundRobin<T extends Target> implements LoadBalancer<T> {
  readonly #targets: readonly [T, ...T[]];
  /** For how long one that could not be reached comes last, in milliseconds. */
  readonly #pause: number;
  readonly #downUntil = new Map<T, number>();
  #next = 0;

  constructor(targets: readonly [T, ...T[]], pause: number) {
    this.#targets = targets;
    this.#pause = pause;
  }

  candidates(): readonly [T, ...T[]] {
    const targets = this.#targets;
    if (targets.length === 1) return targets;
    const start = this.#next;
    this.#next = (start + 1) % targets.length;
    const now = performance.now();
    const isDown = (target: T): boolean => (this.#downUntil.get(target) ?? 0) > now;
    const rotated = [...targets.slice(start), ...targets.slice(0, start)];
    const [first = targets[0], ...others] = [...rotated.filter((target) => !isDown(target)), ...rotated.filter(isDown)];
    return [first, ...others];
  }

  failed(target: T): void {
    this.#downUntil.set(target, performance.now() + this.#pause);
  }

  reached(target: T): void {
    this.#downUntil.delete(target);
  }
}
