import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import tls from 'node:tls';
import { type ChannelOptions, credentials, type ChannelCredentials } from '@grpc/grpc-js';

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

/** The credentials of a channel to `host`, and the options they need. */
export async function channelCredentials(
  host: string,
  { tls: encrypted, caFile }: { readonly tls: boolean; readonly caFile: string },
): Promise<{ credentials: ChannelCredentials; options: ChannelOptions }> {
  if (!encrypted) return { credentials: credentials.createInsecure(), options: {} };
  const secureContext = tls.createSecureContext({ ca: await trustedAuthorities(caFile), minVersion: 'TLSv1.2' });
  return {
    credentials: credentials.createFromSecureContext(secureContext, {
      checkServerIdentity: (_name, certificate) => tls.checkServerIdentity(host, certificate),
    }),
    // An IP address may not be asked for by name (RFC 6066), and Node warns of it on standard error.
    options: isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': 'usagereport.invalid' },
  };
}
