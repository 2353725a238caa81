import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import type { Hooks } from '../../lib/hooks/hooks.ts';
import type { Session } from '../../lib/hooks/payloads.ts';
import { silentLogger } from '../../lib/logger.ts';
import { BackendCode } from '../../lib/protocol/codes.ts';
import { FrameScanner } from '../../lib/protocol/frame-scanner.ts';
import { Conversation } from '../../lib/traffic/conversation.ts';
import type { Relayed } from '../../lib/traffic/relayed.ts';

export const specSession: Session = {
  id: 'spec',
  client: { host: '127.0.0.1', port: 1 },
  server: { host: '127.0.0.1', port: 2 },
  tls: false,
  user: 'postgres',
  database: 'postgres',
  parameters: new Map(),
  moved: false,
};

export interface TappedRelayOptions {
  readonly maxMessageSize?: number;
  /** Feeds what arrives in pieces of so many bytes. */
  readonly pieces?: number;
}

/** The least there can be between a driver and PostgreSQL to drive conversations: no pool, no TLS, no errors of its own. */
export class TappedRelay {
  readonly conversations: Conversation[] = [];
  readonly #server: Server;
  readonly #postgres: EmbeddedPostgres;
  readonly #hooks: Hooks;
  readonly #options: TappedRelayOptions;

  constructor(postgres: EmbeddedPostgres, hooks: Hooks, options: TappedRelayOptions = {}) {
    this.#postgres = postgres;
    this.#hooks = hooks;
    this.#options = options;
    this.#server = createServer((frontend) => this.#accept(frontend));
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }

  #accept(frontend: Socket): void {
    const { address, host, port, network } = this.#postgres;
    const backend = network === 'unix' ? connect(address) : connect(port, host);
    for (const socket of [frontend, backend]) socket.on('error', () => {});
    let conversation: Conversation | undefined;
    const close = (): void => {
      conversation?.close();
      frontend.destroy();
      backend.destroy();
    };
    frontend.on('close', close);
    backend.on('close', close);
    const write = ({ toServer, toClient, end }: Relayed): void => {
      for (const bytes of toServer) backend.write(bytes);
      for (const bytes of toClient) frontend.write(bytes);
      if (end !== undefined) frontend.end(close);
    };
    const feed = (method: 'fromClient' | 'fromServer'): ((chunk: Buffer) => void) => {
      let last = Promise.resolve();
      const step = this.#options.pieces ?? Infinity;
      return (chunk) => {
        for (let start = 0; start < chunk.length; start += step) {
          const piece = chunk.subarray(start, start + step);
          last = last.then(
            () =>
              new Promise((resolve) => {
                const asItCame = conversation?.[method](piece, (result) => {
                  write(result);
                  resolve();
                });
                if (asItCame !== true) return;
                (method === 'fromClient' ? backend : frontend).write(piece);
                resolve();
              }),
          );
        }
      };
    };
    const fromClient = feed('fromClient');
    const fromServer = feed('fromServer');
    frontend.on('data', (chunk) => (conversation === undefined ? backend.write(chunk) : fromClient(chunk)));
    const scanner = new FrameScanner();
    backend.on('data', (chunk) => {
      if (conversation !== undefined) return fromServer(chunk);
      frontend.write(chunk);
      scanner.feed(chunk);
      while (scanner.next()) if (scanner.type === BackendCode.ReadyForQuery) conversation = this.#open();
    });
  }

  #open(): Conversation {
    const conversation = new Conversation({
      session: specSession,
      hooks: this.#hooks,
      logger: silentLogger(),
      maxMessageSize: this.#options.maxMessageSize ?? 16 * 1024 * 1024,
      transactionStatus: 'I',
    });
    this.conversations.push(conversation);
    return conversation;
  }
}
