import { isIPv6 } from 'node:net';
import path from 'node:path';
import { GatewayDError } from '../errors.ts';
import type { BackendTls } from './backend-tls.ts';
import { networkErrors } from './errors.ts';

/** How a connection to a database is encrypted. */
export interface Encryption {
  readonly tls: BackendTls;
  /** Whom the certificate must be for: the host as it was written, whatever address it turned out to have. */
  readonly serverName: string;
}

/** Where to listen or to connect. */
export type Endpoint =
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      /** How a connection there is encrypted; left out where it is not. */
      readonly encryption?: Encryption;
    }
  | {
      readonly kind: 'unix';
      readonly path: string;
      /** Of the socket's file, where to listen; left out, the system decides. */
      readonly permissions?: number;
    };

/** What a `network` key may say. */
export type Network = 'tcp' | 'udp' | 'unix';

/**
 * Reads a `network` and an `address` of the config. An empty host (`:5432`) is every address of the machine.
 * @param section the path of the keys in the config, for the error: `servers.default`
 * @param directory what the path of a Unix socket is relative to
 * @throws {GatewayDError} NETWORK_BAD_ADDRESS, NETWORK_UDP
 */
export function parseEndpoint(section: string, network: Network, address: string, directory = process.cwd()): Endpoint {
  if (network === 'udp') throw new GatewayDError(networkErrors.NETWORK_UDP, { key: `${section}.network` });
  if (network === 'unix') return { kind: 'unix', path: socketPath(address, directory) };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  const host = bracketed ?? plain ?? '';
  if (digits === undefined || port > 65_535 || (bracketed !== undefined && !isIPv6(bracketed.replace(/%.*$/, '')))) {
    throw new GatewayDError(networkErrors.NETWORK_BAD_ADDRESS, { key: `${section}.address`, address });
  }
  return { kind: 'tcp', host, port };
}

/** A name in Linux's abstract namespace, which begins with a zero byte, is in no folder. */
function socketPath(address: string, directory: string): string {
  return address.startsWith('\0') ? address : path.resolve(directory, address);
}

/** An endpoint as it stands in the config: `127.0.0.1:5432`, `[::1]:5432`, `/run/postgresql/.s.PGSQL.5432`. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return endpoint.path;
  // Only an IPv6 address has colons.
  return `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}

/** An endpoint to connect to, with the TLS of its block of `clients`; a Unix socket does without. */
export function encrypted(endpoint: Endpoint, tls: BackendTls | null): Endpoint {
  if (endpoint.kind === 'unix' || tls === null) return endpoint;
  return { ...endpoint, encryption: { tls, serverName: tls.serverName || endpoint.host || 'localhost' } };
}
