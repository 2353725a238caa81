/**
 * What ends whatever a session waits for before it is open. It is an AbortController in all but its signal, which is made
 * when somebody asks for it: that takes longer than all the rest of most logins, and most wait for nobody who needs one.
 */
export class Interruption {
  readonly #waiting = new Set<(reason: unknown) => void>();
  #controller: AbortController | null = null;
  #reason: Error | null = null;

  /** For those who take an AbortSignal; aborted with the reason. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Ends what is waited for, and what will be. Later calls do nothing. */
  interrupt(reason: Error): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }

  /** @throws the reason, once it was interrupted */
  throwIfInterrupted(): void {
    if (this.#reason !== null) throw this.#reason;
  }

  /** Waits for a promise, and no longer than until it is interrupted: then it rejects with the reason. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#reason === null) this.#waiting.add(reject);
      else reject(this.#reason);
      const left = (): boolean => this.#waiting.delete(reject);
      promise.then(
        (value) => {
          left();
          resolve(value);
        },
        (error: unknown) => {
          left();
          reject(error);
        },
      );
    });
  }
}
