import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { GatewayDError } from '../errors.ts';
import { networkErrors } from './errors.ts';

/** PostgreSQL's name in ALPN, registered since version 17. */
export const postgresql = 'postgresql';

/** How a client's connection is encrypted. */
export interface SecureSocketOptions {
  readonly secureContext: SecureContext;
  /** Whether the client is asked for a certificate. What it shows is not judged here. */
  readonly requestCert: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

/**
 * Does a TLS handshake, as the server, on a socket that nobody reads from; it may have bytes unshifted. The socket is
 * destroyed where it fails.
 * @throws {GatewayDError} NETWORK_TLS_HANDSHAKE
 */
export async function secureSocket(
  socket: Socket,
  { secureContext, requestCert, timeout }: SecureSocketOptions,
): Promise<TLSSocket> {
  const secured = new TLSSocket(socket, {
    isServer: true,
    secureContext,
    requestCert,
    rejectUnauthorized: false,
    ALPNProtocols: [postgresql],
  });
  let reason = 'the client went away in the middle of it';
  secured.on('error', (error: Error & { code?: string; reason?: string }) => {
    reason = error.reason ?? error.code ?? error.message;
  });
  const timer = setTimeout(() => {
    reason = `it took longer than ${timeout} ms`;
    secured.destroy();
  }, timeout);
  const secure = await new Promise<boolean>((resolve) => {
    secured
      .on('secure', () => resolve(true))
      // The server's sockets stay half open at a client's end; in a handshake nothing comes of that.
      .on('end', () => resolve(false))
      .on('close', () => resolve(false));
  });
  clearTimeout(timer);
  if (secure) return secured;
  socket.destroy();
  throw handshakeFailed(reason);
}

/** @param reason in OpenSSL's or our words; nothing of the client's */
export function handshakeFailed(reason: string): GatewayDError {
  return new GatewayDError(networkErrors.NETWORK_TLS_HANDSHAKE, { reason });
}
