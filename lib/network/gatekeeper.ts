import { type Applicant, authenticate, type AuthenticationMethod } from '../authentication/authenticate.ts';
import type { SecretSource } from '../authentication/secret.ts';
import { backendKinds } from '../protocol/backend-messages.ts';
import { AuthenticationCode, StartupCode } from '../protocol/codes.ts';
import type { StartupMessage } from '../protocol/startup.ts';
import { clientLeft } from './client-left.ts';
import type { Frontend } from './frontend.ts';
import type { Interruption } from './interruption.ts';

/** The newest minor version of protocol 3 that gatewayd speaks with clients itself. */
const newestMinor = 2;
const letIn = backendKinds.Authentication.make({
  code: AuthenticationCode.AuthenticationOk,
  data: Buffer.alloc(0),
}).bytes;

/** How a server finds out who its clients are, where it does so itself. */
export interface Gatekeeper {
  readonly method: AuthenticationMethod;
  /** Null for `trust`. */
  readonly users: SecretSource | null;
}

/**
 * Has a client prove who it is, and has it told that it has, along with the next it is told.
 * @param interruption when the client has left, or took too long
 * @throws {GatewayDError} what `authenticate` throws, NETWORK_PROTOCOL_VIOLATION; the interruption's reason
 */
export async function admit(
  { method, users }: Gatekeeper,
  frontend: Frontend,
  startup: StartupMessage,
  interruption: Interruption,
): Promise<void> {
  negotiate(frontend, startup);
  const applicant = new Client(frontend, startup.parameters.get('user') ?? '', interruption);
  await interruption.wait(authenticate(method, users, applicant));
  frontend.sayLater(letIn);
}

/** A client that is asked who it is. */
class Client implements Applicant {
  readonly user: string;
  readonly #frontend: Frontend;
  readonly #interruption: Interruption;

  constructor(frontend: Frontend, user: string, interruption: Interruption) {
    this.user = user;
    this.#frontend = frontend;
    this.#interruption = interruption;
  }

  get channelBinding(): Buffer | null {
    return this.#frontend.channelBinding;
  }

  get signal(): AbortSignal {
    return this.#interruption.signal;
  }

  say(code: number, data: Buffer): void {
    const { bytes } = backendKinds.Authentication.make({ code, data });
    // The client has nothing to answer to it: it goes along with what follows.
    if (code === AuthenticationCode.AuthenticationSASLFinal) this.#frontend.sayLater(bytes);
    else this.#frontend.say(bytes);
  }

  async answer(): Promise<Buffer> {
    const body = await this.#interruption.wait(this.#frontend.answer());
    if (body === null) throw clientLeft;
    return body;
  }
}

/** Whoever asks for a newer protocol, or for options of it, is told what there is. */
function negotiate(frontend: Frontend, { minor, parameters }: StartupMessage): void {
  const options = [...parameters.keys()].filter((name) => name.startsWith('_pq_.'));
  if (minor <= newestMinor && options.length === 0) return;
  const version = StartupCode.Protocol30 + Math.min(minor, newestMinor);
  frontend.say(backendKinds.NegotiateProtocolVersion.make({ version, options }).bytes);
}
