import type { ErrorEventToSend } from './error-event.ts';
import { FloodGate } from './flood.ts';
import { sentryClient } from './sentry-client.ts';
import { type NodeClient, Scope } from './sentry-sdk.ts';

/** The flood gate and the clients, one for each Sentry project. */
export class ErrorReporting {
  readonly gate = new FloodGate();
  readonly #clients = new Map<string, NodeClient>();
  readonly #life = new AbortController();
  readonly #failed: (error: unknown) => void;

  /** @param failed called with what kept an event from arriving */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Sends an event to a project, in a scope; without a DSN, nowhere. */
  send(dsn: string, event: ErrorEventToSend, scope: Scope): void {
    if (dsn === '') return;
    const { exception, tags, ...rest } = event;
    this.client(dsn).captureEvent({ ...rest, exception: { ...exception }, tags: { ...tags } }, {}, scope);
  }

  client(dsn: string): NodeClient {
    const known = this.#clients.get(dsn);
    if (known !== undefined) return known;
    const client = sentryClient({ dsn, life: this.#life.signal, failed: this.#failed });
    this.#clients.set(dsn, client);
    return client;
  }

  /** Resolves when all has been sent, or after `milliseconds`, whichever comes first. */
  async flush(milliseconds: number): Promise<void> {
    // The sockets do not keep the process alive; while it is being flushed, this timer does.
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([Promise.all([...this.#clients.values()].map((client) => client.flush(milliseconds))), limit]);
    clearTimeout(timer);
  }

  /** Ends every request at once. */
  end(): void {
    this.#life.abort();
  }
}
