import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { tlsServerEndPoint } from './channel-binding.ts';

/** The mechanism that binds a login to the TLS connection it is made on, as SASLInitialResponse begins with it. */
const scramPlus = Buffer.from('SCRAM-SHA-256-PLUS\0');

/** Whether the body of a client's answer to an authentication chooses SCRAM with channel binding. */
export function bindsChannel(body: Buffer): boolean {
  return body.subarray(0, scramPlus.length).equals(scramPlus);
}

/**
 * Whether a login that is bound to the client's TLS connection can succeed at the database, which has another one with
 * us: only where both servers show certificates with the same hash, and that is where they show the same one.
 */
export function bindingReaches(client: Socket, server: Socket): boolean {
  if (!(client instanceof TLSSocket) || !(server instanceof TLSSocket)) return true;
  const [ours, theirs] = [client.getCertificate(), server.getPeerCertificate()].map((certificate) => {
    // Neither has it where none was shown.
    const raw: unknown = certificate !== null && 'raw' in certificate ? certificate.raw : null;
    return Buffer.isBuffer(raw) ? tlsServerEndPoint(raw) : null;
  });
  return ours != null && theirs != null && ours.equals(theirs);
}
