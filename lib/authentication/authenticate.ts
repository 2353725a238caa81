import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { GatewayDError } from '../errors.ts';
import { AuthenticationCode } from '../protocol/codes.ts';
import { authenticationErrors } from './errors.ts';
import { md5Answer } from './md5-password.ts';
import { ScramServer } from './scram-server.ts';
import type { Password } from './scram-verifier.ts';
import { equalTexts, isPassword, md5HashOf, type Secret, type SecretSource, verifierOf } from './secret.ts';

/** How a client proves who it is. */
export type AuthenticationMethod = 'trust' | 'password' | 'md5' | 'scram-sha-256';

/** The client that is asked. */
export interface Applicant {
  readonly user: string;
  /** The `tls-server-end-point` of our own certificate; null without TLS. */
  readonly channelBinding: Buffer | null;
  /** Aborted when the client has left, or took too long. */
  readonly signal: AbortSignal;
  /** Sends an Authentication message. */
  say(code: number, data: Buffer): void;
  /** The body of the next PasswordMessage. Rejects where the client sends something else, or leaves. */
  answer(): Promise<Buffer>;
}

const nothing = Buffer.alloc(0);

/**
 * Has a client prove that it is the user it says; it is for the caller to send AuthenticationOk then. A user that does
 * not exist, one whose secret does not fit the method and a wrong password get the same questions, the same answer and
 * take the same time.
 * @param users null for `trust`
 * @throws {GatewayDError} AUTHENTICATION_FAILED, AUTHENTICATION_NO_USER, AUTHENTICATION_BAD_MESSAGE, and what `answer`
 * and `users` reject with
 */
export async function authenticate(
  method: AuthenticationMethod,
  users: SecretSource | null,
  applicant: Applicant,
): Promise<void> {
  const { user } = applicant;
  if (user === '') throw new GatewayDError(authenticationErrors.AUTHENTICATION_NO_USER);
  if (method === 'trust' || users === null) return;
  const secret = await users.secretOf(user, applicant.signal);
  const proven = await checks[method](applicant, secret);
  if (proven) return;
  // Why is for the log: the client is not to know.
  throw new GatewayDError(authenticationErrors.AUTHENTICATION_FAILED, { user, why: whyNot(method, secret) });
}

function whyNot(method: AuthenticationMethod, secret: Secret | null): string {
  if (secret === null) return 'there is no such user, or it has no secret';
  if (method === 'scram-sha-256' && secret.kind === 'md5')
    return 'the secret is an MD5 hash, which scram-sha-256 cannot check';
  if (method === 'md5' && secret.kind === 'scram') return 'the secret is a SCRAM verifier, which md5 cannot check';
  return 'the password is not the one';
}

type Check = (applicant: Applicant, secret: Secret | null) => Promise<boolean>;

const checks: Readonly<Record<Exclude<AuthenticationMethod, 'trust'>, Check>> = {
  password: async (applicant, secret) => {
    applicant.say(AuthenticationCode.AuthenticationCleartextPassword, nothing);
    return isPassword(applicant.user, secret, passwordIn(await applicant.answer()));
  },

  md5: async (applicant, secret) => {
    const salt = randomBytes(4);
    applicant.say(AuthenticationCode.AuthenticationMD5Password, salt);
    const answer = passwordIn(await applicant.answer()).toString();
    const hash = md5HashOf(applicant.user, secret);
    const equal = equalTexts(answer, md5Answer(hash ?? `md5${randomBytes(16).toString('hex')}`, salt));
    return equal && hash !== null;
  },

  'scram-sha-256': async (applicant, secret) => {
    const { user, channelBinding } = applicant;
    const scram = new ScramServer({ verifier: verifierOf(user, secret), channelBinding });
    const offer = scram.mechanisms.map((name) => `${name}\0`).join('');
    applicant.say(AuthenticationCode.AuthenticationSASL, Buffer.from(`${offer}\0`));
    const { mechanism, data } = saslInitialResponse(await applicant.answer());
    applicant.say(AuthenticationCode.AuthenticationSASLContinue, Buffer.from(scram.begin(mechanism, data)));
    const final = scram.finish((await applicant.answer()).toString());
    if (final === null) return false;
    applicant.say(AuthenticationCode.AuthenticationSASLFinal, Buffer.from(final));
    return true;
  },
};

/** A password, which a NUL ends. */
function passwordIn(body: Buffer): Password {
  if (body.indexOf(0) !== body.length - 1) throw malformed('a password without an end');
  const password = body.subarray(0, -1);
  return isUtf8(password) ? password.toString() : password;
}

function saslInitialResponse(body: Buffer): { mechanism: string; data: string } {
  const end = body.indexOf(0);
  if (end === -1 || body.length < end + 5) throw malformed('SASLInitialResponse');
  const length = body.readInt32BE(end + 1);
  const data = body.subarray(end + 5);
  if (length !== data.length) throw malformed('SASLInitialResponse');
  return { mechanism: body.toString('utf8', 0, end), data: data.toString() };
}

function malformed(reason: string): GatewayDError {
  return new GatewayDError(authenticationErrors.AUTHENTICATION_BAD_MESSAGE, { reason });
}
