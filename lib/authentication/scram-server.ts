import { timingSafeEqual } from 'node:crypto';
import { GatewayDError } from '../errors.ts';
import { authenticationErrors } from './errors.ts';
import { makeNonce, scramMechanism, scramPlusMechanism, xor } from './scram-client.ts';
import { decodeBase64, hmac, type ScramVerifier, sha256 } from './scram-verifier.ts';

export interface ScramServerOptions {
  readonly verifier: ScramVerifier;
  /** The `tls-server-end-point` of our own certificate; null without TLS, or where the certificate has none. */
  readonly channelBinding: Buffer | null;
  /** For the specs. */
  readonly nonce?: string;
}

interface ClientFirst {
  /** The GS2 header, to be repeated with the binding's data. */
  readonly header: string;
  readonly bare: string;
  readonly nonce: string;
}

/** The server's side of one SCRAM-SHA-256 login (RFC 5802, RFC 7677). */
export class ScramServer {
  readonly #verifier: ScramVerifier;
  readonly #channelBinding: Buffer | null;
  readonly #ownNonce: string;
  #clientFirst: ClientFirst | null = null;
  #serverFirst = '';

  constructor({ verifier, channelBinding, nonce = makeNonce() }: ScramServerOptions) {
    this.#verifier = verifier;
    this.#channelBinding = channelBinding;
    this.#ownNonce = nonce;
  }

  /** What to offer, best first. */
  get mechanisms(): readonly string[] {
    return this.#channelBinding === null ? [scramMechanism] : [scramPlusMechanism, scramMechanism];
  }

  /**
   * Takes the client-first-message and gives the server-first-message.
   * @throws {GatewayDError} AUTHENTICATION_BAD_MESSAGE
   */
  begin(mechanism: string, clientFirst: string): string {
    if (!this.mechanisms.includes(mechanism)) throw malformed('a SASL mechanism that was not offered');
    this.#clientFirst = this.#parseFirst(mechanism, clientFirst);
    const { salt, iterations } = this.#verifier;
    this.#serverFirst = `r=${this.#nonce},s=${salt.toString('base64')},i=${iterations}`;
    return this.#serverFirst;
  }

  /**
   * Takes the client-final-message.
   * @returns the server-final-message where the client has proven that it knows the password, else null
   * @throws {GatewayDError} AUTHENTICATION_BAD_MESSAGE
   */
  finish(clientFinal: string): string | null {
    const [, withoutProof = '', binding, nonce, proofText = ''] =
      /^(c=([^,]+),r=([^,]+)(?:,[^,]+)*?),p=([^,]+)$/.exec(clientFinal) ?? [];
    const proof = decodeBase64(proofText);
    if (this.#clientFirst === null || proof?.length !== 32) throw malformed('client-final-message');
    if (nonce !== this.#nonce) throw malformed('the nonce is another one');
    if (binding !== this.#expectedBinding()) throw malformed('the channel binding does not match');
    const authMessage = `${this.#clientFirst.bare},${this.#serverFirst},${withoutProof}`;
    const { storedKey, serverKey } = this.#verifier;
    const clientKey = xor(proof, hmac(storedKey, authMessage));
    if (!timingSafeEqual(sha256(clientKey), storedKey)) return null;
    return `v=${hmac(serverKey, authMessage).toString('base64')}`;
  }

  get #nonce(): string {
    return `${this.#clientFirst?.nonce ?? ''}${this.#ownNonce}`;
  }

  #expectedBinding(): string {
    const header = this.#clientFirst?.header ?? '';
    const data = header.startsWith('p') ? (this.#channelBinding ?? Buffer.alloc(0)) : Buffer.alloc(0);
    return Buffer.concat([Buffer.from(header), data]).toString('base64');
  }

  #parseFirst(mechanism: string, text: string): ClientFirst {
    const [, header = '', flag = '', bare = '', nonce] =
      /^((n|y|p=[A-Za-z0-9.-]+),,)(n=[^,]*,r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/s.exec(text) ?? [];
    if (nonce === undefined) throw malformed('client-first-message');
    if (flag.startsWith('p') !== (mechanism === scramPlusMechanism))
      throw malformed('channel binding and mechanism differ');
    if (flag.startsWith('p') && flag !== 'p=tls-server-end-point')
      throw malformed('an unknown type of channel binding');
    // The client could bind and believes that we cannot: somebody took our offer away.
    if (flag === 'y' && this.#channelBinding !== null) throw malformed('channel binding was offered and not seen');
    return { header, bare, nonce };
  }
}

function malformed(reason: string): GatewayDError {
  return new GatewayDError(authenticationErrors.AUTHENTICATION_BAD_MESSAGE, { reason });
}
