import type { Logger } from '../logger.ts';

/** Below so many children, those that are gone are not looked for. */
const fewChildren = 64;

/** A plugin's logger and all that the plugin made from it: pino's children keep the level they were made with. */
export class LoggerFamily {
  readonly logger: Logger;
  #children: WeakRef<Logger>[] = [];
  #sweepAt = fewChildren;

  /** @param logger the plugin's alone: it is told of the children from now on */
  constructor(logger: Logger) {
    this.logger = logger;
    logger.onChild = (child) => this.#remember(child);
  }

  /** Sets the level of all of them, but for children that were given one of their own. */
  setLevel(level: string): void {
    const before = this.logger.level;
    this.logger.level = level;
    for (const child of this.#living()) if (child.level === before) child.level = level;
  }

  #remember(child: Logger): void {
    this.#children.push(new WeakRef(child));
    if (this.#children.length < this.#sweepAt) return;
    this.#children = this.#children.filter((one) => one.deref() !== undefined);
    this.#sweepAt = Math.max(this.#children.length * 2, fewChildren);
  }

  #living(): readonly Logger[] {
    return this.#children.flatMap((one) => one.deref() ?? []);
  }
}
