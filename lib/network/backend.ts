import { connect, type Socket, type TcpNetConnectOpts, type IpcNetConnectOpts } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { longestTimer, milliseconds } from '../config/durations.ts';
import type { ClientConfig } from '../config/schema.ts';
import { GatewayDError, messageOf } from '../errors.ts';
import { encryptBackend } from './encrypt-backend.ts';
import type { Endpoint } from './endpoint.ts';
import { networkErrors } from './errors.ts';

/** GatewayD's caps, unless `disableBackoffCaps`. */
const mostRetries = 10;
const longestBackoff = 60_000;
/** Node gives each address of a name 250 ms by default, less than a handshake across an ocean may take. */
const addressTimeout = 2000;

/** How connections to one database are made; times in milliseconds. */
export interface BackendSettings {
  /** `group.block` */
  readonly name: string;
  /** Limit of one try; 0 is without limit. */
  readonly dialTimeout: number;
  readonly retries: number;
  readonly backoff: number;
  readonly backoffMultiplier: number;
  readonly disableBackoffCaps: boolean;
  /** Time between keep-alive probes; null sends none. */
  readonly keepAlive: number | null;
}

/** Takes a block of `clients` apart. */
export function backendSettings(name: string, config: ClientConfig): BackendSettings {
  return {
    name,
    dialTimeout: milliseconds(config.dialTimeout),
    retries: config.retries,
    backoff: milliseconds(config.backoff),
    backoffMultiplier: config.backoffMultiplier,
    disableBackoffCaps: config.disableBackoffCaps,
    keepAlive: config.tcpKeepAlive ? milliseconds(config.tcpKeepAlivePeriod) : null,
  };
}

/** What `net.connect` is to be given for an endpoint. Half-open, for a client may end its side and read on. */
export function connectOptions(endpoint: Endpoint): TcpNetConnectOpts | IpcNetConnectOpts {
  if (endpoint.kind === 'unix') return { path: endpoint.path, allowHalfOpen: true };
  const { host, port } = endpoint;
  return {
    host: host === '' ? 'localhost' : host,
    port,
    allowHalfOpen: true,
    noDelay: true,
    autoSelectFamilyAttemptTimeout: addressTimeout,
  };
}

/** How long to wait before the try after `failures` failed ones, in milliseconds; no longer than a timer can be. */
export function backoffOf(settings: BackendSettings, failures: number): number {
  const wanted = settings.backoff * settings.backoffMultiplier ** (failures - 1);
  return Math.min(wanted, settings.disableBackoffCaps ? longestTimer : longestBackoff);
}

/** Between half of a time and all of it, so that those who lost a database together do not come back together. */
export function jittered(pause: number): number {
  return pause * (0.5 + Math.random() / 2);
}

/**
 * Connects to a database, trying again as its settings say. A client that waits is told after its login time at the
 * latest: that limit is the signal's.
 * @throws {GatewayDError} NETWORK_DATABASE_UNREACHABLE; the signal's reason when it is aborted
 */
export async function connectBackend(
  endpoint: Endpoint,
  settings: BackendSettings,
  signal: AbortSignal,
): Promise<Socket> {
  const retries = settings.disableBackoffCaps ? settings.retries : Math.min(settings.retries, mostRetries);
  for (let failures = 0; ;) {
    try {
      return await dial(endpoint, settings, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      failures += 1;
      if (failures > retries) {
        const values = { database: settings.name, reason: reasonOf(error) };
        throw new GatewayDError(networkErrors.NETWORK_DATABASE_UNREACHABLE, values, { cause: error });
      }
      // The delay itself rejects with an AbortError; the signal's reason says more.
      await delay(jittered(backoffOf(settings, failures)), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/**
 * One try to connect, encryption included.
 * @throws {Error} whose code, or else its message, holds no address; the signal's reason when it is aborted
 */
export async function dial(
  endpoint: Endpoint,
  { dialTimeout, keepAlive }: Pick<BackendSettings, 'dialTimeout' | 'keepAlive'>,
  signal: AbortSignal,
): Promise<Socket> {
  const limit = new AbortController();
  const expire = (): void => limit.abort(Object.assign(new Error('the connection timed out'), { code: 'ETIMEDOUT' }));
  const timer = dialTimeout > 0 ? setTimeout(expire, dialTimeout) : undefined;
  const abort = (): void => limit.abort(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    signal.throwIfAborted();
    const socket = await connected(endpoint, limit.signal);
    if (keepAlive !== null) socket.setKeepAlive(true, keepAlive);
    if (endpoint.kind === 'unix' || endpoint.encryption === undefined) return socket;
    return await encryptBackend(socket, endpoint.encryption, limit.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

function connected(endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(connectOptions(endpoint));
    const settle = (): void => {
      signal.removeEventListener('abort', abort);
      socket.off('connect', succeed);
      socket.off('error', failed);
      // Destroying it can make it report the same failure again; what goes wrong later is told by its 'close'.
      socket.on('error', () => undefined);
    };
    const failed = (error: Error): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const succeed = (): void => {
      settle();
      resolve(socket);
    };
    const abort = (): void => failed(signal.reason as Error);
    signal.addEventListener('abort', abort);
    socket.on('connect', succeed);
    socket.on('error', failed);
  });
}

/** The system's word for a failure (`ECONNREFUSED`): it tells what happened and, unlike the text, no address. */
function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : messageOf(error);
}
