import { statSync } from 'node:fs';
import path from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { ClientConfig } from '../config/schema.ts';
import { GatewayDError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { networkErrors } from './errors.ts';
import { readAuthorities, readCertificateAndKey } from './pem-files.ts';

type TlsConfig = ClientConfig['tls'];

/** How connections to the database of a block of `clients` are encrypted. */
export class BackendTls {
  readonly mode: TlsConfig['mode'];
  readonly direct: boolean;
  /** Whom the certificate is for, where it is not the host of the address; else empty. */
  readonly serverName: string;
  readonly #name: string;
  readonly #files: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null };
  readonly #logger: Logger;
  #context: SecureContext;
  #fingerprint: string;

  /**
   * @param name `group.block`
   * @param directory what the files are relative to
   * @throws {GatewayDError} NETWORK_BACKEND_TLS_FILES
   */
  constructor(name: string, config: TlsConfig, directory: string, logger: Logger) {
    const at = (file: string): string | null => (file === '' ? null : path.resolve(directory, file));
    this.#name = name;
    this.#logger = logger;
    this.mode = config.mode;
    this.direct = config.negotiation === 'direct';
    this.serverName = config.serverName;
    this.#files = { ca: at(config.caFile), cert: at(config.certFile), key: at(config.keyFile) };
    this.#fingerprint = this.#look();
    this.#context = this.#read();
  }

  /** Whether it is checked who the database is. */
  get verifies(): boolean {
    return this.mode === 'verify-ca' || this.mode === 'verify-full';
  }

  /** For the next connection: of files that have changed, what is in them now, where that can be used. */
  get secureContext(): SecureContext {
    const fingerprint = this.#look();
    if (fingerprint === this.#fingerprint) return this.#context;
    this.#fingerprint = fingerprint;
    try {
      this.#context = this.#read();
      this.#logger.info({ database: this.#name }, 'the TLS files changed, and are used for new connections');
    } catch (error) {
      const { code, message } = error as GatewayDError;
      this.#logger.error({ database: this.#name, code }, `what was read before stays in use: ${message}`);
    }
    return this.#context;
  }

  #look(): string {
    return Object.values(this.#files).map(stampOf).join();
  }

  #read(): SecureContext {
    const { ca, cert, key } = this.#files;
    try {
      const shown = cert === null || key === null ? null : readCertificateAndKey(cert, key);
      return createSecureContext({
        minVersion: 'TLSv1.2',
        ...(ca === null ? {} : { ca: readAuthorities(ca) }),
        ...(shown === null ? {} : { cert: shown.cert, key: shown.key }),
      });
    } catch (error) {
      const values = { database: this.#name, reason: messageOf(error) };
      throw new GatewayDError(networkErrors.NETWORK_BACKEND_TLS_FILES, values, { cause: error });
    }
  }
}

/** Changes when the file does; empty where there is none to look at. */
function stampOf(file: string | null): string {
  if (file === null) return '';
  try {
    const { mtimeMs, ino, size } = statSync(file);
    return `${mtimeMs} ${ino} ${size}`;
  } catch {
    return '';
  }
}
