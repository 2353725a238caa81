import { authenticate, type AuthenticationMethod } from '../authentication/authenticate.ts';
import type { SecretSource } from '../authentication/secret.ts';
import { backendKinds } from '../protocol/backend-messages.ts';
import { AuthenticationCode, StartupCode } from '../protocol/codes.ts';
import type { StartupMessage } from '../protocol/startup.ts';
import { abortable } from './abortable.ts';
import { clientLeft } from './client-left.ts';
import type { Frontend } from './frontend.ts';

/** The newest minor version of protocol 3 that gatewayd speaks with clients itself. */
const newestMinor = 2;

/** How a server finds out who its clients are, where it does so itself. */
export interface Gatekeeper {
  readonly method: AuthenticationMethod;
  /** Null for `trust`. */
  readonly users: SecretSource | null;
}

/**
 * Has a client prove who it is, and tells it that it has.
 * @param signal aborted when the client has left, or took too long
 * @throws {GatewayDError} what `authenticate` throws, NETWORK_PROTOCOL_VIOLATION; the signal's reason
 */
export async function admit(
  { method, users }: Gatekeeper,
  frontend: Frontend,
  startup: StartupMessage,
  signal: AbortSignal,
): Promise<void> {
  negotiate(frontend, startup);
  const say = (code: number, data: Buffer): void =>
    frontend.say(backendKinds.Authentication.make({ code, data }).bytes);
  const answer = async (): Promise<Buffer> => {
    const body = await abortable(frontend.answer(), signal);
    if (body === null) throw clientLeft;
    return body;
  };
  const user = startup.parameters.get('user') ?? '';
  const { channelBinding } = frontend;
  await abortable(authenticate(method, users, { user, channelBinding, signal, say, answer }), signal);
  say(AuthenticationCode.AuthenticationOk, Buffer.alloc(0));
}

/** Whoever asks for a newer protocol, or for options of it, is told what there is. */
function negotiate(frontend: Frontend, { minor, parameters }: StartupMessage): void {
  const options = [...parameters.keys()].filter((name) => name.startsWith('_pq_.'));
  if (minor <= newestMinor && options.length === 0) return;
  const version = StartupCode.Protocol30 + Math.min(minor, newestMinor);
  frontend.say(backendKinds.NegotiateProtocolVersion.make({ version, options }).bytes);
}
