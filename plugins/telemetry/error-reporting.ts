import { setMaxListeners } from 'node:events';
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
    // Each request under way listens to it: that there are many of them in a storm is nothing to be warned of.
    setMaxListeners(0, this.#life.signal);
  }

  /** Sends an event to a project, in a scope; without a DSN, nowhere. */
  send(dsn: string, event: ErrorEventToSend, scope: Scope): void {
    if (dsn === '') return;
    const { exception, tags, ...rest } = event;
    this.client(dsn).captureEvent({ ...rest, exception: { ...exception }, tags: { ...tags } }, {}, scope);
  }

  /**
   * The same, and waits for what becomes of it.
   * @returns whether the project took it, or refused it for good: either way it is not to be sent again
   */
  async deliver(dsn: string, event: ErrorEventToSend): Promise<boolean> {
    const client = this.client(dsn);
    return await new Promise((resolve) => {
      const ended = client.on('afterSendEvent', (sent, { statusCode = 0 }) => {
        if (sent.event_id !== event.event_id) return;
        ended();
        resolve(statusCode >= 200 && statusCode < 500 && statusCode !== 408 && statusCode !== 429);
      });
      this.send(dsn, event, new Scope());
    });
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
