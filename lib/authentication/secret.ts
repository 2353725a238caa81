import { createHash, timingSafeEqual } from 'node:crypto';
import { md5Hash } from './md5-password.ts';
import {
  makeScramVerifier,
  mockScramVerifier,
  parseScramVerifier,
  type Password,
  saltOf,
  type ScramVerifier,
} from './scram-verifier.ts';

/** What is known of a user's password: a SCRAM verifier or an MD5 hash as in pg_authid, or the password itself. */
export type Secret =
  | { readonly kind: 'scram'; readonly verifier: ScramVerifier }
  | { readonly kind: 'md5'; readonly hash: string }
  | { readonly kind: 'plain'; readonly password: string; readonly verifier: ScramVerifier };

/** Where secrets come from. */
export interface SecretSource {
  /** The secret of a user; null where there is no such user, or it has none. It takes as long for one as for another. */
  secretOf(user: string, signal: AbortSignal): Promise<Secret | null>;
}

/**
 * Reads the secret of a user as it is stored. An empty one is none: nobody logs in with an empty password.
 * @throws {GatewayDError} AUTHENTICATION_BAD_SECRET
 */
export async function readSecret(text: string, user: string): Promise<Secret | null> {
  if (text === '') return null;
  if (isVerifier(text)) return { kind: 'scram', verifier: parseScramVerifier(text) };
  if (/^md5[0-9a-f]{32}$/.test(text)) return { kind: 'md5', hash: text };
  return { kind: 'plain', password: text, verifier: await makeScramVerifier(text, saltOf(user)) };
}

/** Whether a secret is, or means to be, a SCRAM verifier. */
export function isVerifier(text: string): boolean {
  return text.startsWith('SCRAM-SHA-256$');
}

/** The verifier to check SCRAM with: of no password where the secret allows none. */
export function verifierOf(user: string, secret: Secret | null): ScramVerifier {
  return secret === null || secret.kind === 'md5' ? mockScramVerifier(user) : secret.verifier;
}

/** The hash to check MD5 with; null where the secret allows none. */
export function md5HashOf(user: string, secret: Secret | null): string | null {
  if (secret === null || secret.kind === 'scram') return null;
  return secret.kind === 'md5' ? secret.hash : md5Hash(user, secret.password);
}

/** Whether a password is the one. It takes as long whatever there is to compare it with. */
export async function isPassword(user: string, secret: Secret | null, password: Password): Promise<boolean> {
  const { salt, iterations, storedKey } = verifierOf(user, secret);
  const made = await makeScramVerifier(password, salt, iterations);
  const byVerifier = timingSafeEqual(made.storedKey, storedKey);
  const byHash = equalTexts(md5Hash(user, password), secret?.kind === 'md5' ? secret.hash : '');
  return secret?.kind === 'md5' ? byHash : byVerifier;
}

/** Compares without telling by the time it takes where they differ. */
export function equalTexts(left: string, right: string): boolean {
  const [one, other] = [left, right].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(one as Buffer, other as Buffer);
}
