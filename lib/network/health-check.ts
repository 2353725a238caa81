import type { Socket } from 'node:net';
import type { Logger } from '../logger.ts';
import { encodeStartupPacket } from '../protocol/startup.ts';
import { abortable } from './abortable.ts';
import { dial } from './backend.ts';
import type { Database } from './database.ts';
import type { Endpoint } from './endpoint.ts';

const sslRequest = encodeStartupPacket({ name: 'SSLRequest' });
/** How long a database may take to answer, in milliseconds. */
const checkTimeout = 5000;
/** One that cannot be reached is looked at this often at least: clients go elsewhere meanwhile. */
const longestWait = 5000;

/**
 * Looks from time to time whether a database answers, on a connection of its own that goes no further than PostgreSQL's
 * first answer: it needs no password, takes no place in the pool and leaves nothing in the database's log.
 */
export class HealthCheck {
  readonly #database: Database;
  readonly #period: number;
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** @param period milliseconds between two looks */
  constructor(database: Database, period: number, logger: Logger) {
    this.#database = database;
    this.#period = period;
    this.#logger = logger;
  }

  /** Looks for the first time when the period is over. */
  start(): void {
    this.#wait(this.#period);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  #wait(delay: number): void {
    if (this.#abort.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#look(), delay).unref();
  }

  async #look(): Promise<void> {
    const { name, endpoint, health, backends } = this.#database;
    const soon = Math.min(this.#period, longestWait);
    const wasDown = health.isDown;
    try {
      await answers(endpoint, this.#abort.signal);
      health.reached();
      backends?.home.wake();
      if (wasDown) this.#logger.info({ database: name }, 'the database can be reached again');
      this.#wait(this.#period);
    } catch (err) {
      if (this.#abort.signal.aborted) return;
      // Until the next look is over.
      health.failed(soon + 2 * checkTimeout);
      if (!wasDown) this.#logger.warn({ database: name, err }, 'the database cannot be reached; sessions go to others');
      this.#wait(soon);
    }
  }
}

/**
 * Asks a database whether it has TLS, which every PostgreSQL answers with a byte at once.
 * @throws {Error} where it does not
 */
async function answers(endpoint: Endpoint, stop: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(checkTimeout)]);
  const bare: Endpoint =
    endpoint.kind === 'unix' ? endpoint : { kind: 'tcp', host: endpoint.host, port: endpoint.port };
  const socket = await dial(bare, { dialTimeout: 0, keepAlive: null }, signal);
  try {
    await abortable(firstByte(socket), signal);
  } finally {
    socket.destroy();
  }
}

function firstByte(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('data', () => resolve());
    socket.on('end', () => reject(new Error('it closed the connection without an answer')));
    socket.on('close', () => reject(new Error('it cut the connection')));
    socket.write(sslRequest);
  });
}
