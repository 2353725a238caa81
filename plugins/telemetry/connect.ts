import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import net, { isIP } from 'node:net';
import tls from 'node:tls';

/** Where to connect to, and how. */
export interface Destination {
  /** The name that is asked for, and that a certificate has to be for. */
  readonly host: string;
  readonly port: number;
  /** Its IP addresses, to be tried one after the other. */
  readonly addresses: readonly string[];
  readonly tls: boolean;
  /** PEM file of the authorities to trust; the system's when empty. */
  readonly caFile: string;
}

/** Where the systems we know of keep the authorities they trust; Node by itself brings its own list. */
const systemFiles = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Alpine, Arch
  '/etc/pki/tls/certs/ca-bundle.crt', // Fedora, RHEL
  '/etc/ssl/ca-bundle.pem', // openSUSE
  '/etc/ssl/cert.pem', // the BSDs, macOS
];

async function trustedAuthorities(caFile: string): Promise<Buffer | string[]> {
  if (caFile !== '') return readFile(caFile);
  for (const file of systemFiles) {
    const authorities = await readFile(file).catch(() => null);
    if (authorities !== null) return authorities;
  }
  return [...tls.rootCertificates];
}

/** Made once for all the addresses: to read a system's authorities takes tens of milliseconds, in which nothing else is done. */
async function secureContextFor({ tls: encrypted, caFile }: Destination): Promise<tls.SecureContext | null> {
  return encrypted ? tls.createSecureContext({ ca: await trustedAuthorities(caFile), minVersion: 'TLSv1.2' }) : null;
}

/** The handshake is part of connecting: a socket that is handed over for it later has not heard what came before. */
function open(address: string, { host, port }: Destination, context: tls.SecureContext | null): net.Socket {
  // An IP address is not looked up.
  if (context === null) return net.connect({ host: address, port });
  return tls.connect({
    host: address,
    port,
    secureContext: context,
    ALPNProtocols: ['h2'],
    // An IP address may not be asked for by name (RFC 6066), but the certificate has to be for it.
    ...(isIP(host) === 0 && { servername: host }),
    checkServerIdentity: (_name, certificate) => tls.checkServerIdentity(host, certificate),
  });
}

async function connectTo(
  address: string,
  to: Destination,
  context: tls.SecureContext | null,
  signal: AbortSignal,
): Promise<net.Socket> {
  // The socket keeps no process alive, and goes with the signal whatever it is at.
  const socket = open(address, to, context).unref();
  const end = () => socket.destroy();
  signal.addEventListener('abort', end, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', end));
  try {
    await once(socket, context === null ? 'connect' : 'secureConnect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

const isNobody = (error: unknown): boolean => (error as NodeJS.ErrnoException).syscall === 'connect';

/**
 * A socket to the first of the destination's addresses that takes it, by TLS if it says so.
 * @param signal ends the attempt, and the socket whenever that is
 * @throws what kept it from the first address where somebody was, or from the last where nobody was at any
 */
export async function connect(to: Destination, signal: AbortSignal): Promise<net.Socket> {
  const context = await secureContextFor(to);
  let failure: unknown;
  for (const address of to.addresses) {
    signal.throwIfAborted();
    try {
      return await connectTo(address, to, context, signal);
    } catch (error) {
      // An address where somebody was and did not fit says more than one where nobody was.
      if (failure === undefined || isNobody(failure)) failure = error;
    }
  }
  throw failure;
}
