import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ServerConfig } from '../config/schema.ts';
import { GatewayDError } from '../errors.ts';
import { networkErrors } from './errors.ts';

/** Which certificates a server asks its clients for; null where it asks for none. */
export interface ClientCertificateRules {
  readonly mode: ServerConfig['clientCertificate'];
  /** Whom a name in a certificate stands for. */
  readonly names: ServerConfig['clientNames'];
}

/**
 * The names in the client's certificate that a certificate authority of the server's stands for: the subject's common
 * name, then DNS names and mail addresses; empty where the client has shown none.
 * @throws {GatewayDError} NETWORK_CLIENT_CERTIFICATE_REFUSED for one that no authority of ours stands for,
 * NETWORK_CLIENT_CERTIFICATE_MISSING
 */
export function verifiedNames(socket: TLSSocket, { mode }: ClientCertificateRules): readonly string[] {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) {
    if (mode === 'optional') return [];
    throw new GatewayDError(networkErrors.NETWORK_CLIENT_CERTIFICATE_MISSING);
  }
  const reason = verificationError(socket);
  if (reason !== null) throw new GatewayDError(networkErrors.NETWORK_CLIENT_CERTIFICATE_REFUSED, { reason });
  return namesIn(certificate);
}

/**
 * Whether a certificate's names let it in as a user.
 * @throws {GatewayDError} NETWORK_CLIENT_CERTIFICATE_USER
 */
export function checkNames(names: readonly string[], user: string, rules: ClientCertificateRules): void {
  if (rules.mode !== 'verify-full') return;
  if (names.some((name) => usersOf(name, rules).includes(user))) return;
  const values = { name: names[0] ?? '', user };
  throw new GatewayDError(networkErrors.NETWORK_CLIENT_CERTIFICATE_USER, values);
}

/** Whom a name stands for: the users that the rules give it, else the user of that name. */
export function usersOf(name: string, { names }: ClientCertificateRules): readonly string[] {
  const users = names.filter((row) => row.name === name).map(({ user }) => user);
  return users.length === 0 ? [name] : users;
}

function namesIn(certificate: X509Certificate): readonly string[] {
  const { subjectAltName = '' } = certificate;
  const { subject } = certificate.toLegacyObject();
  const common: unknown = (subject as { CN?: unknown } | undefined)?.CN;
  const commonNames: unknown[] = Array.isArray(common) ? common : [common];
  // A name with a comma or a quote in it is written as JSON, which is nobody's user name: such names do not count.
  const others = [...subjectAltName.matchAll(/(?:^|, )(?:DNS|email):([^",]+)(?=$|, )/g)].map((match) => match[1]);
  return [...commonNames, ...others].filter((name): name is string => typeof name === 'string' && name !== '');
}

/**
 * Why OpenSSL does not accept the peer's certificate; null where it does. Node tells it to its own `tls.Server` only;
 * where this way to it should be gone one day, nobody is let in.
 */
function verificationError(socket: TLSSocket): string | null {
  const handle = (socket as unknown as { ssl?: { verifyError?: () => Error | null | undefined } | null }).ssl;
  if (typeof handle?.verifyError !== 'function') return 'it cannot be verified by this version of Node.js';
  const error = handle.verifyError();
  return error == null ? null : error.message;
}
