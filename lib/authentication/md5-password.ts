import { createHash } from 'node:crypto';

function md5(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** What PostgreSQL stores of a password with `password_encryption = md5`: `md5` and 32 digits. */
export function md5Hash(user: string, password: string | Buffer): string {
  return `md5${md5(password, user)}`;
}

/** What a client answers to AuthenticationMD5Password. @param hash as `md5Hash` gives it */
export function md5Answer(hash: string, salt: Buffer): string {
  return `md5${md5(hash.slice(3), salt)}`;
}
