import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { PasswordAnswers } from '../authentication/password-answers.ts';
import { GatewayDError } from '../errors.ts';
import type { BackendMessage } from '../protocol/messages.ts';
import { encodeStartupPacket } from '../protocol/startup.ts';
import { tlsServerEndPoint } from './channel-binding.ts';
import type { Endpoint } from './endpoint.ts';
import { networkErrors } from './errors.ts';
import { LoggedInBackend } from './logged-in-backend.ts';

/** As whom gatewayd logs in at a database. */
export interface BackendLogin {
  /** `group.block`, for the errors. */
  readonly name: string;
  readonly user: string;
  readonly database: string;
  /** Empty for none. */
  readonly password: string;
}

export interface LoginLimits {
  /** Milliseconds; 0 is without limit. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * Logs in on a connection that was just made. The socket is destroyed where that fails.
 * @throws {GatewayDError} NETWORK_DATABASE_REFUSED, NETWORK_DATABASE_CLOSED, NETWORK_DATABASE_SILENT, and the errors of `PasswordAnswers`; the
 * signal's reason when it is aborted
 */
export async function logIn(
  socket: Socket,
  endpoint: Endpoint,
  login: BackendLogin,
  limits: LoginLimits,
): Promise<LoggedInBackend> {
  const backend = new LoggedInBackend(socket, endpoint);
  try {
    await converse(backend, login, limits);
    return backend;
  } catch (error) {
    backend.read(null);
    backend.destroy();
    throw error;
  }
}

function converse(backend: LoggedInBackend, login: BackendLogin, { timeout, signal }: LoginLimits): Promise<void> {
  const { name, user, database, password } = login;
  const answers = new PasswordAnswers({ user, password, channelBinding: bindingOf(backend.socket) });
  return new Promise((resolve, reject) => {
    const expire = (): void =>
      settle(new GatewayDError(networkErrors.NETWORK_DATABASE_SILENT, { milliseconds: timeout }));
    const timer = timeout > 0 ? setTimeout(expire, timeout) : undefined;
    const settle = (error: unknown): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      backend.read(null);
      if (error === null) resolve();
      else reject(error);
    };
    const abort = (): void => settle(signal.reason);
    const message = (received: BackendMessage): void => {
      if (received.name === 'ReadyForQuery') settle(null);
      else if (received.name === 'Authentication') answer(received.bytes.subarray(5));
      else if (received.name === 'ErrorResponse') {
        const { sqlstate, message: reason } = received.fields;
        settle(new GatewayDError(networkErrors.NETWORK_DATABASE_REFUSED, { database: name, sqlstate, reason }));
      }
    };
    const answer = (body: Buffer): void => {
      answers.answer(body).then((bytes) => {
        if (bytes !== null) backend.socket.write(bytes);
      }, settle);
    };
    signal.addEventListener('abort', abort);
    if (signal.aborted) return abort();
    backend.read({ message, broken: settle });
    const parameters = new Map([
      ['user', user],
      ['database', database],
      ['application_name', 'gatewayd'],
    ]);
    backend.socket.write(encodeStartupPacket({ name: 'StartupMessage', major: 3, minor: 0, parameters }));
  });
}

/** What SCRAM binds to, of a connection over TLS. */
function bindingOf(socket: Socket): Buffer | null {
  if (!(socket instanceof TLSSocket)) return null;
  // Empty where the peer showed none.
  const certificate = socket.getPeerCertificate().raw as Buffer | undefined;
  return certificate === undefined ? null : tlsServerEndPoint(certificate);
}

/** Whether trying again later can help: the database was not ready, and not told us that it will not have us. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof GatewayDError)) return true;
  if (error.code.startsWith('AUTHENTICATION_')) return false;
  const sqlstate = String(error.values['sqlstate'] ?? '');
  return error.code !== networkErrors.NETWORK_DATABASE_REFUSED.code || !/^(?:0A|22|28|3D|42)/.test(sqlstate);
}
