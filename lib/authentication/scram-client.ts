import { randomBytes, timingSafeEqual } from 'node:crypto';
import { GatewayDError } from '../errors.ts';
import { authenticationErrors } from './errors.ts';
import { decodeBase64, hmac, mostIterations, saltedPassword, sha256 } from './scram-verifier.ts';

export const scramMechanism = 'SCRAM-SHA-256';
export const scramPlusMechanism = 'SCRAM-SHA-256-PLUS';

export interface ScramClientOptions {
  readonly password: string;
  /** What the server offers. */
  readonly mechanisms: readonly string[];
  /** The `tls-server-end-point` of the connection; null where it has none, as without TLS. */
  readonly channelBinding: Buffer | null;
  /** PostgreSQL goes by the start-up packet's user and wants none here. */
  readonly user?: string;
  /** For the specs. */
  readonly nonce?: string;
}

/** The client's side of one SCRAM-SHA-256 login (RFC 5802, RFC 7677), with channel binding where both sides can. */
export class ScramClient {
  readonly mechanism: typeof scramMechanism | typeof scramPlusMechanism;
  /** client-first-message */
  readonly first: string;
  readonly #password: string;
  readonly #nonce: string;
  readonly #firstBare: string;
  readonly #binding: string;
  #serverSignature: Buffer | null = null;

  /** @throws {GatewayDError} AUTHENTICATION_UNSUPPORTED */
  constructor({ password, mechanisms, channelBinding, user = '', nonce = makeNonce() }: ScramClientOptions) {
    const plus = channelBinding !== null && mechanisms.includes(scramPlusMechanism);
    this.mechanism = plus ? scramPlusMechanism : scramMechanism;
    if (!mechanisms.includes(this.mechanism)) {
      throw new GatewayDError(authenticationErrors.AUTHENTICATION_UNSUPPORTED, { method: mechanisms.join(', ') });
    }
    // `y` says that we could and the server seems not to: one that can then knows that somebody took its offer away.
    const header = plus ? 'p=tls-server-end-point,,' : channelBinding === null ? 'n,,' : 'y,,';
    const bound = plus ? channelBinding : Buffer.alloc(0);
    this.#binding = Buffer.concat([Buffer.from(header), bound]).toString('base64');
    this.#password = password;
    this.#nonce = nonce;
    this.#firstBare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
    this.first = header + this.#firstBare;
  }

  /**
   * Answers the server-first-message with the client-final-message.
   * @throws {GatewayDError} AUTHENTICATION_BAD_MESSAGE, AUTHENTICATION_SERVER_UNPROVEN
   */
  async answer(serverFirst: string): Promise<string> {
    const [, nonce, saltText, digits] =
      /^r=([\x21-\x2b\x2d-\x7e]+),s=([^,]+),i=(\d{1,10})(?:,|$)/.exec(serverFirst) ?? [];
    const salt = decodeBase64(saltText ?? '');
    const iterations = Number(digits);
    if (nonce === undefined || salt === null || !(iterations > 0)) throw malformed('server-first-message');
    if (iterations > mostIterations) throw malformed(`${iterations} iterations`);
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length)
      throw unproven('it repeats another nonce');
    const salted = await saltedPassword(this.#password, salt, iterations);
    const withoutProof = `c=${this.#binding},r=${nonce}`;
    const authMessage = `${this.#firstBare},${serverFirst},${withoutProof}`;
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), authMessage);
    const clientKey = hmac(salted, 'Client Key');
    const proof = xor(clientKey, hmac(sha256(clientKey), authMessage));
    return `${withoutProof},p=${proof.toString('base64')}`;
  }

  /** Whether the server has proven itself, which it must have before it says that all is well. */
  get proven(): boolean {
    return this.#proven;
  }
  #proven = false;

  /**
   * Checks the server-final-message.
   * @throws {GatewayDError} AUTHENTICATION_BAD_MESSAGE, AUTHENTICATION_SERVER_UNPROVEN
   */
  verify(serverFinal: string): void {
    const [, text] = /^v=([^,]+)(?:,|$)/.exec(serverFinal) ?? [];
    const signature = decodeBase64(text ?? '');
    if (signature === null || this.#serverSignature === null) throw malformed('server-final-message');
    if (signature.length !== 32 || !timingSafeEqual(signature, this.#serverSignature))
      throw unproven('its signature is wrong');
    this.#proven = true;
  }
}

/** 18 random bytes, as libpq takes, in characters that a nonce may have. */
export function makeNonce(): string {
  return randomBytes(18).toString('base64');
}

export function xor(left: Buffer, right: Buffer): Buffer {
  return Buffer.from(left.map((byte, index) => byte ^ (right[index] ?? 0)));
}

function malformed(reason: string): GatewayDError {
  return new GatewayDError(authenticationErrors.AUTHENTICATION_BAD_MESSAGE, { reason });
}

function unproven(reason: string): GatewayDError {
  return new GatewayDError(authenticationErrors.AUTHENTICATION_SERVER_UNPROVEN, { reason });
}
