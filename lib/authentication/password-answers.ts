import { GatewayDError } from '../errors.ts';
import { AuthenticationCode, FrontendCode } from '../protocol/codes.ts';
import { authenticationErrors } from './errors.ts';
import { md5Answer, md5Hash } from './md5-password.ts';
import { ScramClient } from './scram-client.ts';

const refusedMethods: Readonly<Record<number, string>> = {
  [AuthenticationCode.AuthenticationKerberosV5]: 'Kerberos',
  [AuthenticationCode.AuthenticationGSS]: 'GSSAPI',
  [AuthenticationCode.AuthenticationSSPI]: 'SSPI',
};

export interface PasswordAnswersOptions {
  readonly user: string;
  /** Empty for none. */
  readonly password: string;
  /** The `tls-server-end-point` of the connection; null where it has none. */
  readonly channelBinding: Buffer | null;
}

/** Gives the answers to what a database asks while one logs in there: trust, cleartext, MD5, SCRAM-SHA-256 and -PLUS. */
export class PasswordAnswers {
  readonly #options: PasswordAnswersOptions;
  #scram: ScramClient | null = null;

  constructor(options: PasswordAnswersOptions) {
    this.#options = options;
  }

  /**
   * @param body of an Authentication message
   * @returns the message to answer with; null where nothing is to be said
   * @throws {GatewayDError} AUTHENTICATION_UNSUPPORTED, AUTHENTICATION_NO_PASSWORD, AUTHENTICATION_BAD_MESSAGE,
   * AUTHENTICATION_SERVER_UNPROVEN
   */
  async answer(body: Buffer): Promise<Buffer | null> {
    if (body.length < 4) throw malformed('an Authentication message without a code');
    const code = body.readInt32BE(0);
    const data = body.subarray(4);
    switch (code) {
      case AuthenticationCode.AuthenticationOk:
        if (this.#scram !== null && !this.#scram.proven) throw unproven('it left its signature out');
        return null;
      case AuthenticationCode.AuthenticationCleartextPassword:
        return passwordMessage(Buffer.from(`${this.#password}\0`));
      case AuthenticationCode.AuthenticationMD5Password:
        if (data.length !== 4) throw malformed('a salt that is not four bytes');
        return passwordMessage(Buffer.from(`${md5Answer(md5Hash(this.#options.user, this.#password), data)}\0`));
      case AuthenticationCode.AuthenticationSASL:
        return this.#beginScram(data);
      case AuthenticationCode.AuthenticationSASLContinue:
        return passwordMessage(Buffer.from(await this.#begun.answer(data.toString())));
      case AuthenticationCode.AuthenticationSASLFinal:
        this.#begun.verify(data.toString());
        return null;
      default: {
        const method = refusedMethods[code] ?? `method ${code}`;
        throw new GatewayDError(authenticationErrors.AUTHENTICATION_UNSUPPORTED, { method });
      }
    }
  }

  get #password(): string {
    if (this.#options.password === '') throw new GatewayDError(authenticationErrors.AUTHENTICATION_NO_PASSWORD);
    return this.#options.password;
  }

  get #begun(): ScramClient {
    if (this.#scram === null) throw malformed('SASL goes on that was not begun');
    return this.#scram;
  }

  #beginScram(data: Buffer): Buffer {
    if (this.#scram !== null) throw malformed('SASL begins twice');
    const mechanisms = data
      .toString()
      .split('\0')
      .filter((name) => name !== '');
    const { channelBinding } = this.#options;
    this.#scram = new ScramClient({ password: this.#password, mechanisms, channelBinding });
    const { mechanism, first } = this.#scram;
    const length = Buffer.alloc(4);
    length.writeInt32BE(Buffer.byteLength(first), 0);
    return passwordMessage(Buffer.concat([Buffer.from(`${mechanism}\0`), length, Buffer.from(first)]));
  }
}

function passwordMessage(data: Buffer): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(FrontendCode.PasswordMessage, 0);
  bytes.writeInt32BE(data.length + 4, 1);
  return Buffer.concat([bytes, data]);
}

function malformed(reason: string): GatewayDError {
  return new GatewayDError(authenticationErrors.AUTHENTICATION_BAD_MESSAGE, { reason });
}

function unproven(reason: string): GatewayDError {
  return new GatewayDError(authenticationErrors.AUTHENTICATION_SERVER_UNPROVEN, { reason });
}
