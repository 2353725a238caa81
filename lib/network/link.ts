import type { Socket } from 'node:net';
import { DirectSocket } from './direct-socket.ts';
import { Hold, Intake } from './intake.ts';
import { Outlet } from './outlet.ts';

/**
 * The two sockets of a session. Whatever one side sends faster than the other takes waits in that side's kernel, not
 * here: as long as a socket has bytes it could not pass on, the other one is not read.
 */
export class Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly clientIntake: Intake;
  readonly serverIntake: Intake;
  readonly #toClient: Outlet;
  readonly #toServer: Outlet;

  /** @param direct false to use both as streams in any case */
  constructor(client: Socket, server: Socket, direct = true) {
    this.client = client;
    this.server = server;
    const directClient = direct ? DirectSocket.of(client, this.#onClientDrain) : null;
    const directServer = direct ? DirectSocket.of(server, this.#onServerDrain) : null;
    this.clientIntake = new Intake(client, directClient);
    this.serverIntake = new Intake(server, directServer);
    this.#toClient = new Outlet(client, directClient);
    this.#toServer = new Outlet(server, directServer);
    client.on('drain', this.#onClientDrain);
    server.on('drain', this.#onServerDrain);
  }

  /** Whether the client has bytes to read before it should be given more. */
  get clientFull(): boolean {
    return this.#toClient.full;
  }

  /** Bytes for the database that are not with the kernel yet. */
  get pendingToServer(): number {
    return this.#toServer.pending;
  }

  /** @param borrowed whether the bytes change when this returns */
  toServer(bytes: Buffer, borrowed = false): void {
    if (!this.#toServer.write(bytes, borrowed)) this.clientIntake.hold(Hold.SinkFull);
  }

  toClient(bytes: Buffer, borrowed = false): void {
    if (!this.#toClient.write(bytes, borrowed)) this.serverIntake.hold(Hold.SinkFull);
  }

  /** Tells the database that the client will send nothing more. */
  endServer(): void {
    this.#toServer.end();
  }

  /** Lets go of the sockets, which may be reading or not, and are streams again. */
  detach(): void {
    this.clientIntake.detach();
    this.serverIntake.detach();
    this.client.off('drain', this.#onClientDrain);
    this.server.off('drain', this.#onServerDrain);
  }

  readonly #onClientDrain = (): void => {
    this.serverIntake.release(Hold.SinkFull);
    this.clientIntake.release(Hold.AnswersUnread);
  };

  readonly #onServerDrain = (): void => {
    this.clientIntake.release(Hold.SinkFull);
  };
}
