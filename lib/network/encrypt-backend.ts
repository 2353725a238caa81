import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import { encodeStartupPacket } from '../protocol/startup.ts';
import type { Encryption } from './endpoint.ts';
import { postgresql } from './secure-socket.ts';

const sslRequest = encodeStartupPacket({ name: 'SSLRequest' });
/** What a database answers to an SSLRequest: S, N, or an ErrorResponse. */
const yes = 0x53;
const no = 0x4e;

/**
 * Encrypts a new connection to a database as its block of `clients` says.
 * @returns the socket to use from now on: the same one where the mode is `prefer` and the database has no TLS
 * @throws {Error} whose message says what did not fit and holds no address; the socket is destroyed then. The signal's
 * reason when it is aborted
 */
export async function encryptBackend(socket: Socket, encryption: Encryption, signal: AbortSignal): Promise<Socket> {
  const { tls } = encryption;
  try {
    if (!tls.direct && !(await isOffered(socket, signal))) {
      if (tls.mode === 'prefer') return socket;
      throw new Error(`it does not offer TLS, and tls.mode is ${tls.mode}`);
    }
    return await handshake(socket, encryption, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function isOffered(socket: Socket, signal: AbortSignal): Promise<boolean> {
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const settle = (then: () => void): void => {
      socket.off('readable', take).off('end', gone).off('close', gone);
      signal.removeEventListener('abort', abort);
      then();
    };
    const take = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk !== null) settle(() => resolve(chunk));
    };
    const gone = (): void => settle(() => reject(new Error('it closed the connection when it was asked for TLS')));
    const abort = (): void => settle(() => reject(signal.reason as Error));
    signal.addEventListener('abort', abort);
    socket.on('readable', take).on('end', gone).on('close', gone);
    if (signal.aborted) abort();
    else socket.write(sslRequest);
  });
  // Whoever can write into the connection before it is encrypted must not get it taken for the database's word.
  if (answer.length === 1 && answer[0] === yes) return true;
  if (answer.length === 1 && answer[0] === no) return false;
  throw new Error(answer[0] === yes ? 'it sent unencrypted data behind its answer' : 'it refused the request for TLS');
}

function handshake(socket: Socket, { tls, serverName }: Encryption, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connect({
      socket,
      secureContext: tls.secureContext,
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      rejectUnauthorized: tls.verifies,
      checkServerIdentity: (_host, certificate) =>
        tls.mode === 'verify-full' ? checkServerIdentity(serverName, certificate) : undefined,
      ALPNProtocols: [postgresql],
    });
    const settle = (then: () => void): void => {
      signal.removeEventListener('abort', abort);
      secured.off('secureConnect', succeed).off('error', fail).off('close', gone);
      // What goes wrong later is told by its 'close'.
      secured.on('error', () => undefined);
      then();
    };
    const fail = (error: Error): void =>
      settle(() => {
        secured.destroy();
        reject(error === signal.reason ? error : new Error(whatDidNotFit(error), { cause: error }));
      });
    const succeed = (): void => {
      // Without it, a server of another protocol could have been meant.
      if (!tls.direct || secured.alpnProtocol === postgresql) return settle(() => resolve(secured));
      fail(new Error('it did not answer ALPN, which direct negotiation needs'));
    };
    const gone = (): void => fail(new Error('it closed the connection'));
    const abort = (): void => fail(signal.reason as Error);
    secured.on('secureConnect', succeed).on('error', fail).on('close', gone);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
  });
}

/** In words that may be shown to a client: the error's own text can hold names of hosts. */
function whatDidNotFit(error: Error & { code?: string }): string {
  const { code } = error;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return "its certificate is not for the host's name";
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired';
  if (code === undefined) return `the TLS handshake failed: ${error.message}`;
  if (/^(?:ERR_|E[A-Z]+$)/.test(code)) return `the TLS handshake failed: ${code}`;
  return `its certificate is of no authority in caFile: ${code}`;
}
