import type { MessageChange } from '../hooks/message-change.ts';

const kept = 64;

/** The last changes that one plugin made. */
export class ChangeLog {
  readonly #changes: MessageChange[] = [];
  #next = 0;

  add(change: MessageChange): void {
    this.#changes[this.#next] = change;
    this.#next = (this.#next + 1) % kept;
  }

  /** The oldest first. */
  read(): readonly MessageChange[] {
    const oldest = this.#changes.length < kept ? 0 : this.#next;
    return [...this.#changes.slice(oldest), ...this.#changes.slice(0, oldest)];
  }
}
