import { type ChannelOptions, experimental } from '@grpc/grpc-js';

type Target = experimental.GrpcUri;

/** An address for grpc-js to connect to, and what ends the socket, whatever state that is in. */
export interface FixedAddress {
  readonly host: string;
  readonly port: number;
  readonly signal: AbortSignal;
}

const addressesOption = 'gatewayd.addresses';

/**
 * Gives a channel addresses that are known before it is made. grpc-js would look names up by `dns.lookup`; and it
 * passes an address on to `net.connect` as it is, which takes a signal: the only way to get at a socket that is
 * still connecting, or stalls in its TLS handshake, and would keep the process from ending.
 */
class FixedAddresses implements experimental.Resolver {
  readonly #addresses: readonly FixedAddress[];
  readonly #listener: experimental.ResolverListener;
  #isResolved = false;

  constructor(_target: Target, listener: experimental.ResolverListener, options: ChannelOptions) {
    this.#addresses = options[addressesOption] as readonly FixedAddress[];
    this.#listener = listener;
  }

  /** Asked again after each failure to connect, and then there is nothing new to say. */
  updateResolution(): void {
    if (this.#isResolved) return;
    this.#isResolved = true;
    const endpoints = this.#addresses.map((address) => ({ addresses: [address] }));
    process.nextTick(() => this.#listener(experimental.statusOrFromValue(endpoints), {}, null, ''));
  }

  destroy(): void {
    this.#isResolved = false;
  }

  static getDefaultAuthority(target: Target): string {
    return target.path;
  }
}

experimental.registerResolver('usagereport', FixedAddresses);

/** What to make a channel from, so that it connects to these addresses in the name of `authority` (`host:port`). */
export function fixedChannel(authority: string, addresses: readonly FixedAddress[]) {
  return { target: `usagereport:${authority}`, options: { [addressesOption]: addresses } };
}
