import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { GatewayDError } from '../errors.ts';
import type { Address } from '../hooks/payloads.ts';
import { encodeErrorResponse, encodeNoticeResponse } from '../protocol/error-response.ts';
import type { StartupMessage } from '../protocol/startup.ts';
import type { Endpoint } from './endpoint.ts';
import { networkErrors } from './errors.ts';
import { lingeringEnd } from './lingering-end.ts';
import { StartupReader } from './startup-reader.ts';

/** What a server encrypts its clients' connections with. */
export interface FrontendTls {
  readonly secureContext: SecureContext;
  /** Milliseconds. */
  readonly handshakeTimeout: number;
}

/** What a frontend needs to know of its server. */
export interface FrontendOptions {
  readonly tls: FrontendTls | null;
  /** Where the server listens: the clients of a Unix socket have no address but its path. */
  readonly endpoint: Endpoint;
}

/** What a client wants, as its first packets say. */
export type Greeting =
  | { readonly kind: 'session'; readonly startup: StartupMessage; readonly bytes: Buffer }
  | { readonly kind: 'cancel'; readonly bytes: Buffer };

const refused = Buffer.from('N');
const accepted = Buffer.from('S');

/** A client's connection. */
export class Frontend {
  readonly address: Address;
  /** Settles when the connection is gone for good. */
  readonly closed: Promise<void>;
  readonly #tls: FrontendTls | null;
  readonly #onGone: () => void;
  #socket: Socket;
  #reader: StartupReader;
  #ended = false;

  /** @param onGone called when the client goes away, or ends its side, before `takeOver` */
  constructor(socket: Socket, { tls, endpoint }: FrontendOptions, onGone: () => void) {
    const host = endpoint.kind === 'unix' ? endpoint.path : (socket.remoteAddress ?? '');
    this.address = { host, port: socket.remotePort ?? 0 };
    this.#socket = socket;
    this.#tls = tls;
    this.#onGone = onGone;
    // What went wrong with a client's socket is told by its 'close'; nobody can mend it.
    socket.on('error', ignore);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => resolve());
    });
    this.#reader = new StartupReader(socket, onGone);
  }

  /** Whether the connection is encrypted. */
  get tls(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  /**
   * Reads the client's first packets, and answers requests for encryption: each at most once.
   * @returns null when the client goes without saying anything, as health checks do
   * @throws {GatewayDError} for what no client of PostgreSQL sends
   */
  async greet(): Promise<Greeting | null> {
    const seen = new Set<string>();
    for (;;) {
      const read = await this.#reader.next();
      if (read === null) return null;
      const { packet, bytes } = read;
      if (packet.name === 'StartupMessage') return { kind: 'session', startup: packet, bytes };
      if (packet.name === 'CancelRequest') return { kind: 'cancel', bytes };
      if (seen.has(packet.name)) throw violation(`a second ${packet.name}`);
      seen.add(packet.name);
      if (packet.name === 'SSLRequest' && this.#tls !== null && !this.tls) await this.#encrypt(this.#tls);
      else this.#socket.write(refused);
    }
  }

  /** Shows the client a message while it waits. */
  notice(message: string): void {
    if (this.#ended || this.#socket.destroyed) return;
    this.#socket.write(encodeNoticeResponse({ severity: 'NOTICE', sqlstate: '00000', message }));
  }

  /** Hands the socket over, paused, with what the client sent ahead of its turn; from then on it is read elsewhere. */
  takeOver(): { socket: Socket; rest: Buffer } {
    return { socket: this.#socket, rest: this.#reader.detach() };
  }

  /** Tells the client why, as a FATAL error, and closes the connection when it has been told. */
  fail(error: { readonly sqlstate: string; readonly message: string; readonly detail?: string }): void {
    const { sqlstate, message, detail } = error;
    const fields = { severity: 'FATAL', sqlstate, message, ...(detail === undefined ? {} : { detail }) };
    this.#end(encodeErrorResponse(fields));
  }

  /** Closes the connection when what was written before is with the client. */
  end(): void {
    this.#end(null);
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #end(lastWords: Buffer | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reader.detach();
    lingeringEnd(this.#socket, lastWords);
  }

  async #encrypt({ secureContext, handshakeTimeout }: FrontendTls): Promise<void> {
    // Whoever can write into the connection before it is encrypted must not get it taken for the client's word.
    if (this.#reader.pending > 0) throw violation('unencrypted data after SSLRequest');
    this.#reader.detach();
    this.#socket.write(accepted);
    const secured = new TLSSocket(this.#socket, { isServer: true, secureContext });
    secured.on('error', ignore);
    const timer = setTimeout(() => secured.destroy(), handshakeTimeout);
    await new Promise<void>((resolve) => {
      secured.on('secure', resolve).on('close', resolve);
    });
    clearTimeout(timer);
    this.#socket = secured;
    this.#reader = new StartupReader(secured, this.#onGone);
    if (secured.destroyed) this.#onGone();
  }
}

function violation(reason: string): GatewayDError {
  return new GatewayDError(networkErrors.NETWORK_PROTOCOL_VIOLATION, { reason });
}

function ignore(): void {
  // See where it is used.
}
