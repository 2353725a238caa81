import { isIPv6 } from 'node:net';
import { GatewayDError } from '../errors.ts';
import { networkErrors } from './errors.ts';

/** Where to listen or to connect. */
export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** What a `network` key may say. */
export type Network = 'tcp' | 'udp' | 'unix';

/**
 * Reads a `network` and an `address` of the config. An empty host (`:5432`) is every address of the machine.
 * @param section the path of the keys in the config, for the error: `servers.default`
 * @throws {GatewayDError} NETWORK_BAD_ADDRESS, NETWORK_UDP
 */
export function parseEndpoint(section: string, network: Network, address: string): Endpoint {
  if (network === 'udp') throw new GatewayDError(networkErrors.NETWORK_UDP, { key: `${section}.network` });
  if (network === 'unix') return { kind: 'unix', path: address };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  const host = bracketed ?? plain ?? '';
  if (digits === undefined || port > 65_535 || (bracketed !== undefined && !isIPv6(bracketed.replace(/%.*$/, '')))) {
    throw new GatewayDError(networkErrors.NETWORK_BAD_ADDRESS, { key: `${section}.address`, address });
  }
  return { kind: 'tcp', host, port };
}

/** An endpoint as it stands in the config: `127.0.0.1:5432`, `[::1]:5432`, `/run/postgresql/.s.PGSQL.5432`. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return endpoint.path;
  // Only an IPv6 address has colons.
  return `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}
