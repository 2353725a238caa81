import { once } from 'node:events';
import { unlink } from 'node:fs/promises';
import {
  type AddressInfo,
  connect,
  createServer,
  type ListenOptions,
  type Server as NetServer,
  type Socket,
} from 'node:net';
import { GatewayDError, messageOf } from '../errors.ts';
import { type Endpoint, formatEndpoint } from './endpoint.ts';
import { networkErrors } from './errors.ts';

/** One address clients connect to. */
export class Server {
  readonly name: string;
  readonly #endpoint: Endpoint;
  readonly #net: NetServer;
  #address: string;

  /**
   * @param name the group in `servers`
   * @param accept gets each connection; errors of the socket are its own affair from then on
   */
  constructor(name: string, endpoint: Endpoint, accept: (socket: Socket) => void) {
    this.name = name;
    this.#endpoint = endpoint;
    this.#address = formatEndpoint(endpoint);
    // Half-open: a client may end its side and still read the answers. Keep-alive, as PostgreSQL does: a client whose
    // machine is gone would keep its connection to the database for ever.
    this.#net = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, accept);
  }

  /** The address it is to listen on, and once it listens the one it does, with the port that the system chose for 0. */
  get address(): string {
    return this.#address;
  }

  /**
   * Starts to listen.
   * @throws {GatewayDError} NETWORK_ADDRESS_IN_USE, NETWORK_CANNOT_LISTEN
   */
  async listen(): Promise<void> {
    try {
      await this.#bind();
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' || !(await this.#removeStale())) throw this.#explain(error);
      await this.#bind().catch((again: unknown) => {
        throw this.#explain(again);
      });
    }
    // Accepting can fail for a while, for want of file handles; the server goes on, and a client sees it closed.
    this.#net.on('error', () => undefined);
    const bound = this.#net.address();
    if (bound !== null && typeof bound === 'object') this.#address = formatBound(bound);
  }

  /** Stops to accept; connections there are stay. Does nothing where it does not listen. */
  close(): void {
    if (this.#net.listening) this.#net.close();
  }

  async #bind(): Promise<void> {
    const options: ListenOptions =
      this.#endpoint.kind === 'unix'
        ? { path: this.#endpoint.path }
        : { port: this.#endpoint.port, ...(this.#endpoint.host === '' ? {} : { host: this.#endpoint.host }) };
    const listening = once(this.#net, 'listening');
    this.#net.listen(options);
    await listening;
  }

  /** Removes the file that a process left which did not close its Unix socket; true where there was one. */
  async #removeStale(): Promise<boolean> {
    if (this.#endpoint.kind !== 'unix') return false;
    const { path } = this.#endpoint;
    const answers = await new Promise<boolean>((resolve) => {
      const probe = connect(path);
      probe.on('connect', () => resolve(true));
      probe.on('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED'));
      probe.on('close', () => probe.destroy());
      probe.on('connect', () => probe.destroy());
    });
    if (answers) return false;
    await unlink(path);
    return true;
  }

  #explain(error: unknown): GatewayDError {
    const values = { server: this.name, address: this.#address };
    if (codeOf(error) === 'EADDRINUSE') {
      return new GatewayDError(networkErrors.NETWORK_ADDRESS_IN_USE, values, { cause: error });
    }
    const reason = messageOf(error);
    return new GatewayDError(networkErrors.NETWORK_CANNOT_LISTEN, { ...values, reason }, { cause: error });
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

function formatBound({ address, port }: AddressInfo): string {
  return formatEndpoint({ kind: 'tcp', host: address, port });
}
