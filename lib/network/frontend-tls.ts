import { createHash } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import path from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { milliseconds } from '../config/durations.ts';
import type { ServerConfig } from '../config/schema.ts';
import { GatewayDError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { tlsServerEndPoint } from './channel-binding.ts';
import type { ClientCertificateRules } from './client-certificate.ts';
import { networkErrors } from './errors.ts';
import { readAuthorities, readCertificateAndKey } from './pem-files.ts';

/** What one connection is encrypted with. */
export interface ServerIdentity {
  readonly secureContext: SecureContext;
  /** `tls-server-end-point` of the certificate, for SCRAM-SHA-256-PLUS; null where it has none. */
  readonly channelBinding: Buffer | null;
}

/** What a server encrypts its clients' connections with. */
export interface FrontendTls {
  /** For a new connection. */
  readonly identity: ServerIdentity;
  /** Milliseconds. */
  readonly handshakeTimeout: number;
  /** Whether clients that do not encrypt are turned away. */
  readonly required: boolean;
  readonly clientCertificates: ClientCertificateRules | null;
}

/** How often the files are looked at, in milliseconds. */
const lookPeriod = 1000;
/** Certificate and key are two files: how long after a change of one the other may still be on its way. */
const settleTime = 200;

/** The TLS of a server, whose files may be exchanged while it runs. */
export class ServerTls implements FrontendTls {
  readonly handshakeTimeout: number;
  readonly required: boolean;
  readonly clientCertificates: ClientCertificateRules | null;
  readonly #name: string;
  readonly #files: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile: string | null };
  readonly #logger: Logger;
  #identity: ServerIdentity;
  #settling: NodeJS.Timeout | undefined;

  /**
   * @param name the group in `servers`
   * @param directory what the files are relative to
   * @throws {GatewayDError} NETWORK_TLS_FILES
   */
  constructor(name: string, config: ServerConfig, directory: string, logger: Logger) {
    this.#name = name;
    this.#logger = logger;
    const { certFile, keyFile, clientCaFile } = config;
    this.#files = {
      certFile: path.resolve(directory, certFile),
      keyFile: path.resolve(directory, keyFile),
      clientCaFile: clientCaFile === '' ? null : path.resolve(directory, clientCaFile),
    };
    this.handshakeTimeout = milliseconds(config.handshakeTimeout);
    this.required = config.requireTLS;
    this.clientCertificates =
      clientCaFile === '' ? null : { mode: config.clientCertificate, names: config.clientNames };
    this.#identity = this.#read();
  }

  get identity(): ServerIdentity {
    return this.#identity;
  }

  /** Looks after the files from now on: new connections are encrypted with what is in them. */
  watch(): void {
    // Looking at them, and not being told: a mounted secret is exchanged by turning a link to its folder.
    for (const file of this.#watched()) watchFile(file, { interval: lookPeriod, persistent: false }, this.#onChange);
  }

  /** Looks no longer. */
  close(): void {
    for (const file of this.#watched()) unwatchFile(file, this.#onChange);
    clearTimeout(this.#settling);
  }

  #watched(): Set<string> {
    return new Set(Object.values(this.#files).filter((file) => file !== null));
  }

  readonly #onChange = (): void => {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#reload(), settleTime).unref();
  };

  #reload(): void {
    const server = this.#name;
    try {
      this.#identity = this.#read();
      this.#logger.info({ server }, 'the TLS certificate changed, and is used for new connections');
    } catch (error) {
      const { code, message } = error as GatewayDError;
      this.#logger.error({ server, code }, `the TLS files changed, and what was read before stays in use: ${message}`);
    }
  }

  #read(): ServerIdentity {
    const { certFile, keyFile, clientCaFile } = this.#files;
    try {
      const { cert, key, certificate } = readCertificateAndKey(certFile, keyFile);
      const ca = clientCaFile === null ? {} : { ca: readAuthorities(clientCaFile) };
      // Without the id, OpenSSL refuses to resume a session in which the client has shown a certificate.
      const sessionIdContext = createHash('sha256').update(this.#name).digest('hex').slice(0, 32);
      const secureContext = createSecureContext({ cert, key, ...ca, sessionIdContext, minVersion: 'TLSv1.2' });
      return { secureContext, channelBinding: tlsServerEndPoint(certificate.raw) };
    } catch (error) {
      const values = { server: this.#name, reason: messageOf(error) };
      throw new GatewayDError(networkErrors.NETWORK_TLS_FILES, values, { cause: error });
    }
  }
}
