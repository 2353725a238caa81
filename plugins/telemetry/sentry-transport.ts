import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { NodeOptions } from '@sentry/node';
import { type Outgoing, sendOpenly } from '../../lib/telemetry/send-openly.ts';
import { limited } from './limited.ts';
import { resolveAddresses } from './resolve.ts';
import { createTransport } from './sentry-sdk.ts';

type TransportFactory = NonNullable<NodeOptions['transport']>;

/** No request outlives this. */
const requestMilliseconds = 5_000;

function lookupUntil(signal: AbortSignal): LookupFunction {
  return (host, { all }, settle) => {
    void resolveAddresses(host, { signal }).then((addresses) => {
      const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      const [first] = found;
      if (first === undefined) settle(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '', 0);
      else if (all === true) settle(null, found);
      else settle(null, first.address, first.family);
    });
  };
}

const headerOf = (headers: http.IncomingHttpHeaders, name: string): string | null => {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
};

function post(url: string, headers: Record<string, string>, body: string | Uint8Array, life: AbortSignal) {
  const signal = limited(life, requestMilliseconds);
  const { request } = url.startsWith('https:') ? https : http;
  return new Promise<{ statusCode?: number; headers: Record<'retry-after' | 'x-sentry-rate-limits', string | null> }>(
    (resolve, reject) => {
      const options = { method: 'POST', headers, agent: false, lookup: lookupUntil(signal), signal } as const;
      const sending = request(url, options, (response) => {
        resolve({
          ...(response.statusCode !== undefined && { statusCode: response.statusCode }),
          headers: {
            'retry-after': headerOf(response.headers, 'retry-after'),
            'x-sentry-rate-limits': headerOf(response.headers, 'x-sentry-rate-limits'),
          },
        });
        // Status and headers are all there is to know; the body may be of any length.
        response.destroy();
      });
      sending.on('socket', (socket) => socket.unref());
      sending.on('error', reject);
      sending.end(body);
    },
  );
}

/** An event as the log and a debugging user see it: an envelope is JSON, line by line, and the key is left out. */
function outgoing(url: string, body: string | Uint8Array): Outgoing {
  const { origin, pathname } = new URL(url);
  const bytes = Buffer.from(body);
  const content = bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
  return { half: 'sentry', to: origin + pathname, content, bytes };
}

const refusal = ({ statusCode }: { readonly statusCode?: number }): string | null =>
  statusCode !== undefined && statusCode >= 400 ? `the ingest answered ${statusCode}` : null;

/**
 * A transport for the SDK whose sockets do not keep the process alive, which looks names up without `dns.lookup`, and
 * which is gone when `life` is aborted. The SDK's part of it obeys the rate limits that the ingest sends.
 * @param failed called with what kept an event from arriving
 */
export function unheldTransport(life: AbortSignal, failed: (error: unknown) => void): TransportFactory {
  return (options) =>
    createTransport(options, async ({ body }) => {
      try {
        const send = () => post(options.url, options.headers ?? {}, body, life);
        // With GATEWAYD_TELEMETRY_DEBUG nothing is sent, nothing is wrong with that, and nothing has arrived.
        return (await sendOpenly(outgoing(options.url, body), send, refusal)) ?? {};
      } catch (error) {
        failed(error);
        throw error;
      }
    });
}
