import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { GatewayDError } from '../errors.ts';
import { authenticationErrors } from './errors.ts';
import { saslPrep } from './sasl-prep.ts';

const derive = promisify(pbkdf2);

/** PostgreSQL's own default. */
const usualIterations = 4096;
const saltLength = 16;
/** More would keep a thread for seconds at a time, at the word of whoever set a password or says that it is the server. */
export const mostIterations = 1_000_000;
const keyLength = 32;

/** What a server keeps of a password for SCRAM-SHA-256: enough to check one, not enough to log in with (RFC 5802, section 3). */
export interface ScramVerifier {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** A password as it was given; as bytes where those are no UTF-8, for then no two are to become one. */
export type Password = string | Buffer;

/** The password with its salt, from which every key of SCRAM is made. What is no UTF-8 is taken as it is. */
export function saltedPassword(password: Password, salt: Buffer, iterations: number): Promise<Buffer> {
  const prepared = typeof password === 'string' ? saslPrep(password) : password;
  return derive(prepared, salt, iterations, keyLength, 'sha256');
}

export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

export function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Makes a verifier of a password. It takes some milliseconds of another thread. */
export async function makeScramVerifier(
  password: Password,
  salt: Buffer = randomBytes(saltLength),
  iterations: number = usualIterations,
): Promise<ScramVerifier> {
  const salted = await saltedPassword(password, salt, iterations);
  const storedKey = sha256(hmac(salted, 'Client Key'));
  return { iterations, salt, storedKey, serverKey: hmac(salted, 'Server Key') };
}

const perProcess = randomBytes(keyLength);

/** The salt where no verifier has one: for a name always the same, whether its password is known or there is no such user. */
export function saltOf(user: string): Buffer {
  return hmac(perProcess, `salt ${user}`).subarray(0, saltLength);
}

/** A verifier for a user that does not exist: always the same for the same name, as a real one is, and of no password. */
export function mockScramVerifier(user: string): ScramVerifier {
  return {
    iterations: usualIterations,
    salt: saltOf(user),
    storedKey: hmac(perProcess, `StoredKey ${user}`),
    serverKey: hmac(perProcess, `ServerKey ${user}`),
  };
}

/** A verifier as it stands in pg_authid.rolpassword. */
export function formatScramVerifier({ iterations, salt, storedKey, serverKey }: ScramVerifier): string {
  const [saltText, storedText, serverText] = [salt, storedKey, serverKey].map((bytes) => bytes.toString('base64'));
  return `SCRAM-SHA-256$${iterations}:${saltText}$${storedText}:${serverText}`;
}

/**
 * Reads a verifier as it stands in pg_authid.rolpassword.
 * @throws {GatewayDError} AUTHENTICATION_BAD_SECRET
 */
export function parseScramVerifier(text: string): ScramVerifier {
  const [, digits, ...parts] = /^SCRAM-SHA-256\$(\d{1,10}):([^$:]+)\$([^$:]+):([^$:]+)$/.exec(text) ?? [];
  const iterations = Number(digits);
  const [salt, storedKey, serverKey] = parts.map(decodeBase64);
  if (
    !(iterations > 0 && iterations <= mostIterations) ||
    salt === undefined ||
    salt === null ||
    storedKey?.length !== keyLength ||
    serverKey?.length !== keyLength
  ) {
    throw new GatewayDError(authenticationErrors.AUTHENTICATION_BAD_SECRET);
  }
  return { iterations, salt, storedKey, serverKey };
}

/** Strict Base64; null for what is none. Buffer passes over what it does not know. */
export function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  return text !== '' && bytes.toString('base64') === text ? bytes : null;
}
