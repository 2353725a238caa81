import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from 'node:net';
import { GatewayDError, messageOf } from '../errors.ts';
import { type Endpoint, formatEndpoint } from './endpoint.ts';
import { networkErrors } from './errors.ts';

/** One address clients connect to. */
export class Server {
  readonly #net: NetServer;
  #name: string;
  #endpoint: Endpoint;
  #address: string;
  #accept: ((socket: Socket) => void) | null;
  /** Connections that nobody takes yet. */
  readonly #early = new Set<Socket>();

  /**
   * @param name the group in `servers`
   * @param accept gets each connection; errors of the socket are its own affair from then on. Null where connections
   * are to wait for `handTo`
   */
  constructor(name: string, endpoint: Endpoint, accept: ((socket: Socket) => void) | null) {
    this.#name = name;
    this.#endpoint = endpoint;
    this.#address = formatEndpoint(endpoint);
    this.#accept = accept;
    // Half-open: a client may end its side and still read the answers. Keep-alive, as PostgreSQL does: a client whose
    // machine is gone would keep its connection to the database for ever.
    const options = { allowHalfOpen: true, noDelay: true, keepAlive: true };
    this.#net = createServer(options, (socket) => (this.#accept ?? this.#keep)(socket));
    // Accepting can fail for a while, for want of file handles; the server goes on, and a client sees it closed.
    this.#net.on('error', () => undefined);
  }

  /** The address it is to listen on, and once it listens the one it does, with the port that the system chose for 0. */
  get address(): string {
    return this.#address;
  }

  /**
   * Starts to listen, or does so again after `close`, then on the same port.
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
    const bound = this.#net.address();
    if (bound === null || typeof bound === 'string') return;
    this.#address = formatBound(bound);
    if (this.#endpoint.kind === 'tcp') this.#endpoint = { ...this.#endpoint, port: bound.port };
  }

  /** Gives the connections from now on to another group. */
  handTo(name: string, accept: (socket: Socket) => void): void {
    this.#name = name;
    this.#accept = accept;
    for (const socket of this.#early) {
      this.#early.delete(socket);
      accept(socket);
    }
  }

  /** Permissions of the file of its Unix socket; undefined where it has none, or they were left to the system. */
  get permissions(): number | undefined {
    return this.#endpoint.kind === 'unix' ? this.#endpoint.permissions : undefined;
  }

  /**
   * Changes them while it listens.
   * @throws {GatewayDError} NETWORK_CANNOT_LISTEN
   */
  permit(permissions: number | undefined): void {
    if (this.#endpoint.kind !== 'unix' || permissions === undefined || permissions === this.permissions) return;
    try {
      setPermissions(this.#endpoint.path, permissions);
    } catch (error) {
      throw this.#explain(error);
    }
    this.#endpoint = { ...this.#endpoint, permissions };
  }

  /** Whether the system may refuse to listen on an endpoint because of this server: 0.0.0.0:5432 takes 127.0.0.1:5432, too. */
  isInTheWayOf(endpoint: Endpoint): boolean {
    return endpoint.kind === 'tcp' && this.#endpoint.kind === 'tcp' && endpoint.port === this.#endpoint.port;
  }

  /** Stops to accept; connections there are stay. Does nothing where it does not listen. */
  close(): void {
    if (this.#net.listening) this.#net.close();
    for (const socket of this.#early) socket.destroy();
  }

  readonly #keep = (socket: Socket): void => {
    this.#early.add(socket);
    socket.on('error', () => undefined).on('close', () => this.#early.delete(socket));
  };

  async #bind(): Promise<void> {
    const listening = once(this.#net, 'listening');
    if (this.#endpoint.kind === 'unix') this.#bindFile(this.#endpoint.path, this.#endpoint.permissions);
    else {
      const { host, port } = this.#endpoint;
      this.#net.listen(host === '' ? { port } : { port, host });
    }
    await listening;
  }

  /** At no moment do more have access than are to have it. All of this is done before anything else in the process. */
  #bindFile(path: string, permissions: number | undefined): void {
    if (permissions === undefined) return void this.#net.listen({ path });
    // Only ever stricter than it was, for other threads may make files meanwhile; to ask what it is sets it to 0.
    const umask = process.umask(0o777);
    process.umask(umask | (0o777 & ~permissions));
    try {
      this.#net.listen({ path });
    } finally {
      process.umask(umask);
    }
    try {
      if (this.#net.listening) setPermissions(path, permissions);
    } catch (error) {
      this.#net.close();
      throw error;
    }
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
    const values = { server: this.#name, address: this.#address };
    if (codeOf(error) === 'EADDRINUSE') {
      return new GatewayDError(networkErrors.NETWORK_ADDRESS_IN_USE, values, { cause: error });
    }
    const reason = messageOf(error);
    return new GatewayDError(networkErrors.NETWORK_CANNOT_LISTEN, { ...values, reason }, { cause: error });
  }
}

function setPermissions(path: string, permissions: number): void {
  // A named pipe, and a socket in Linux's abstract namespace, are no files.
  if (process.platform !== 'win32' && !path.startsWith('\0')) chmodSync(path, permissions);
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

function formatBound({ address, port }: AddressInfo): string {
  return formatEndpoint({ kind: 'tcp', host: address, port });
}
