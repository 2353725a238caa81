import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { GatewayDError } from '../errors.ts';
import type { Address } from '../hooks/payloads.ts';
import { FrontendCode } from '../protocol/codes.ts';
import { encodeErrorResponse } from '../protocol/error-response.ts';
import type { StartupMessage } from '../protocol/startup.ts';
import { checkNames, verifiedNames } from './client-certificate.ts';
import { probePeriod } from './client-left.ts';
import { unsentBytes } from './direct-socket.ts';
import type { Endpoint } from './endpoint.ts';
import { networkErrors } from './errors.ts';
import type { FrontendTls } from './frontend-tls.ts';
import { lingeringEnd } from './lingering-end.ts';
import { noticeOf } from './notice-of.ts';
import { handshakeFailed, postgresql, secureSocket } from './secure-socket.ts';
import { StartupReader } from './startup-reader.ts';
import { violation } from './violation.ts';

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

/** Bytes of the longest answer to an authentication: as for PostgreSQL's passwords, with room to spare. */
const longestAnswer = 16_384;

const nothing = Buffer.alloc(0);
const refused = Buffer.from('N');
const accepted = Buffer.from('S');
/** What a TLS handshake begins with. Read as a packet's length it would be 369 MB, so nothing else can begin with it. */
const tlsHandshake = 0x16;

/** A client's connection. */
export class Frontend {
  readonly address: Address;
  /** Settles when the connection is gone for good. */
  readonly closed: Promise<void>;
  readonly #tls: FrontendTls | null;
  readonly #endpoint: Endpoint;
  readonly #onGone: () => void;
  #socket: Socket;
  #handshaking = false;
  #channelBinding: Buffer | null = null;
  #certificateNames: readonly string[] = [];
  #reader: StartupReader;
  /** The client is known to want a session, which is on its way. */
  #waiting = false;
  #probe: NodeJS.Timeout | undefined;
  #ended = false;
  /** What goes along with the next that is written. */
  #unsaid: Buffer = nothing;

  /** @param onGone called when the client goes away before `takeOver`; to end its side is not to go */
  constructor(socket: Socket, { tls, endpoint }: FrontendOptions, onGone: () => void) {
    const host = endpoint.kind === 'unix' ? endpoint.path : (socket.remoteAddress ?? '');
    this.address = { host, port: socket.remotePort ?? 0 };
    this.#socket = socket;
    // As PostgreSQL: what stays in the machine is not encrypted.
    this.#tls = endpoint.kind === 'unix' ? null : tls;
    this.#endpoint = endpoint;
    this.#onGone = onGone;
    // What went wrong with a client's socket is told by its 'close'; nobody can mend it.
    socket.on('error', ignore);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => resolve());
    });
    this.#reader = new StartupReader(socket, this.#onHalfClosed, onGone);
  }

  /** Whether the connection is encrypted. */
  get tls(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  /**
   * `tls-server-end-point` of the certificate that this client was shown, for SCRAM-SHA-256-PLUS; null where the
   * connection is not encrypted or the certificate has none.
   */
  get channelBinding(): Buffer | null {
    return this.#channelBinding;
  }

  /**
   * The names in the certificate that the client has shown and a `clientCaFile` authority stands for: the subject's
   * common name first. Empty where it has shown none.
   */
  get certificateNames(): readonly string[] {
    return this.#certificateNames;
  }

  /**
   * Reads the client's first packets, and answers requests for encryption: each at most once. A client may also begin
   * with TLS at once, as libpq does since 17 with sslnegotiation=direct.
   * @returns null when the client goes without saying anything, as health checks do
   * @throws {GatewayDError} for what no client of PostgreSQL sends, for a handshake that fails, and for a client that
   * the server's rules of encryption and certificates do not let in
   */
  async greet(): Promise<Greeting | null> {
    if ((await this.#reader.first()) === tlsHandshake) await this.#encryptDirectly();
    const seen = new Set<string>();
    for (;;) {
      const read = await this.#reader.next();
      if (read === null) return null;
      const { packet, bytes } = read;
      if (packet.name === 'StartupMessage') {
        this.#checkRules(packet);
        this.#waiting = true;
        if (this.#reader.ended) this.#onHalfClosed();
        return { kind: 'session', startup: packet, bytes };
      }
      if (packet.name === 'CancelRequest') return { kind: 'cancel', bytes };
      if (seen.has(packet.name)) throw violation(`a second ${packet.name}`);
      seen.add(packet.name);
      if (packet.name === 'SSLRequest' && this.#tls !== null && !this.tls) await this.#encryptAsAsked(this.#tls);
      else this.#socket.write(refused);
    }
  }

  /** Writes messages while no relay does. */
  say(bytes: Buffer): void {
    if (!this.#ended && !this.#socket.destroyed) this.#socket.write(this.#withUnsaid(bytes));
  }

  /** Writes messages along with the next: each write wakes the client, and costs more than most else of a login. */
  sayLater(bytes: Buffer): void {
    this.#unsaid = this.#withUnsaid(bytes);
  }

  /**
   * The body of the client's next message, which must be an answer to a question of the authentication.
   * @returns null when the client goes instead
   * @throws {GatewayDError} NETWORK_PROTOCOL_VIOLATION
   */
  answer(): Promise<Buffer | null> {
    return this.#reader.nextMessage(FrontendCode.PasswordMessage, longestAnswer);
  }

  /**
   * Hands the socket over, paused, with what the client sent ahead of its turn, and what it has not been told yet; from
   * then on it is read and written elsewhere.
   */
  takeOver(): { socket: Socket; rest: Buffer; unsaid: Buffer } {
    clearInterval(this.#probe);
    const unsaid = this.#unsaid;
    this.#unsaid = nothing;
    return { socket: this.#socket, rest: this.#reader.detach(), unsaid };
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

  /** Closes the connection of a client that has said goodbye: at once, as PostgreSQL does, where it has everything. */
  dismiss(): void {
    if (this.tls || this.#socket.readableLength > 0 || unsentBytes(this.#socket) > 0) this.end();
    else this.destroy();
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#ended = true;
    clearInterval(this.#probe);
    this.#socket.destroy();
  }

  #end(lastWords: Buffer | null): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#probe);
    this.#reader.detach();
    // Whatever is written in the middle of a handshake makes no sense to the client.
    if (this.#handshaking) this.#socket.destroy();
    else lingeringEnd(this.#socket, lastWords === null ? null : this.#withUnsaid(lastWords));
  }

  #withUnsaid(bytes: Buffer): Buffer {
    const all = this.#unsaid.length === 0 ? bytes : Buffer.concat([this.#unsaid, bytes]);
    this.#unsaid = nothing;
    return all;
  }

  /** One that wants a session gets what it has asked for ahead, as from PostgreSQL, if it is still there. */
  readonly #onHalfClosed = (): void => {
    if (!this.#waiting || this.#ended || this.#probe !== undefined) return;
    this.#probe = setInterval(() => {
      if (this.#socket.writableLength === 0) this.say(noticeOf('still waiting for the database'));
    }, probePeriod);
  };

  #checkRules({ parameters }: StartupMessage): void {
    const rules = this.#tls;
    if (rules === null || this.#endpoint.kind === 'unix') return;
    if (!this.tls) {
      if (rules.required) throw new GatewayDError(networkErrors.NETWORK_TLS_REQUIRED);
      // Whoever has to show a certificate cannot get around it by not encrypting.
      if (rules.clientCertificates !== null && rules.clientCertificates.mode !== 'optional') {
        throw new GatewayDError(networkErrors.NETWORK_CLIENT_CERTIFICATE_MISSING);
      }
    } else if (rules.clientCertificates !== null) {
      checkNames(this.#certificateNames, parameters.get('user') ?? '', rules.clientCertificates);
    }
  }

  async #encryptAsAsked(tls: FrontendTls): Promise<void> {
    // Whoever can write into the connection before it is encrypted must not get it taken for the client's word.
    if (this.#reader.pending > 0) throw violation('unencrypted data after SSLRequest');
    this.#reader.detach();
    this.#socket.write(accepted);
    await this.#encrypt(tls);
  }

  async #encryptDirectly(): Promise<void> {
    const begun = this.#reader.detach();
    if (this.#tls === null) {
      this.#handshaking = true;
      throw new GatewayDError(networkErrors.NETWORK_TLS_NOT_OFFERED);
    }
    this.#socket.unshift(begun);
    const { alpnProtocol } = await this.#encrypt(this.#tls);
    // Without it, what was meant for a server of another protocol could be sent here.
    if (alpnProtocol !== postgresql) throw handshakeFailed('the client negotiates TLS directly, but without ALPN');
  }

  async #encrypt(tls: FrontendTls): Promise<TLSSocket> {
    const { secureContext, channelBinding } = tls.identity;
    this.#handshaking = true;
    const secured = await secureSocket(this.#socket, {
      secureContext,
      requestCert: tls.clientCertificates !== null,
      timeout: tls.handshakeTimeout,
    });
    this.#handshaking = false;
    this.#socket = secured;
    this.#channelBinding = channelBinding;
    this.#reader = new StartupReader(secured, this.#onHalfClosed, this.#onGone);
    if (secured.destroyed) this.#onGone();
    if (tls.clientCertificates !== null) this.#certificateNames = verifiedNames(secured, tls.clientCertificates);
    return secured;
  }
}

function ignore(): void {
  // See where it is used.
}
