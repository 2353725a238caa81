/** Limits of a queue. */
export interface WaitingQueueOptions {
  /** How long one may wait, in milliseconds; 0 is without limit. */
  readonly timeout: number;
  /** What one who waited too long is told. */
  readonly late: () => Error;
}

interface Waiter<T> {
  /** Whether it has nowhere else to go. */
  readonly patient: boolean;
  readonly take: (value: T) => void;
  readonly refuse: (error: Error) => void;
}

/** Who waits for one of something, in the order of asking. */
export class WaitingQueue<T> {
  readonly #options: WaitingQueueOptions;
  /** A Set keeps the order of insertion and lets one that gives up leave from the middle. */
  readonly #waiters = new Set<Waiter<T>>();

  constructor(options: WaitingQueueOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#waiters.size;
  }

  /** Settles with what this caller is given, or rejects with the signal's reason, `late()`, or what `refuse` gives. */
  wait(signal: AbortSignal, patient = true): Promise<T> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const leave = (): void => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
      };
      const waiter: Waiter<T> = {
        patient,
        take: (value) => {
          leave();
          resolve(value);
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      const abort = (): void => waiter.refuse(signal.reason as Error);
      this.#waiters.add(waiter);
      signal.addEventListener('abort', abort);
      const { timeout, late } = this.#options;
      if (timeout > 0) timer = setTimeout(() => waiter.refuse(late()), timeout);
    });
  }

  /** Gives it to whoever has waited longest; false where nobody waits. */
  give(value: T): boolean {
    const [next] = this.#waiters;
    next?.take(value);
    return next !== undefined;
  }

  /** Sends away all, or only those who are not patient. */
  refuse(error: Error, who: 'all' | 'impatient'): void {
    for (const waiter of this.#waiters) if (who === 'all' || !waiter.patient) waiter.refuse(error);
  }
}
