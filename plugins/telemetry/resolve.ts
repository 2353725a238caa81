import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';

/** How to look a name up. */
export interface ResolveOptions {
  /** Ends the look-up at once. */
  readonly signal: AbortSignal;
  /** Name servers, `address:port`, in the place of the system's. */
  readonly nameServers?: readonly string[] | undefined;
}

async function query(host: string, { signal, nameServers }: ResolveOptions): Promise<string[]> {
  const resolver = new Resolver({ timeout: 500, tries: 2 });
  if (nameServers !== undefined) resolver.setServers(nameServers);
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/**
 * The IP addresses of a host, without `dns.lookup`: that runs getaddrinfo in libuv's thread pool, where it cannot be
 * cancelled, holds up the gateway's own look-ups, and keeps the process from ending. An IP address and `localhost`
 * need no look-up at all.
 * @returns no address at all where there is none, or where the signal ended the look-up
 */
export async function resolveAddresses(host: string, options: ResolveOptions): Promise<string[]> {
  if (options.signal.aborted) return [];
  if (isIP(host) !== 0) return [host];
  if (/^(?:.+\.)?localhost\.?$/i.test(host)) return ['127.0.0.1', '::1'];
  return query(host, options);
}
