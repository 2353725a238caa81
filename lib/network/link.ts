import type { Socket } from 'node:net';
import { Hold, Intake } from './intake.ts';

/**
 * The two sockets of a session. Whatever one side sends faster than the other takes waits in that side's kernel, not
 * here: as long as a socket has bytes it could not pass on, the other one is not read.
 */
export class Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly clientIntake: Intake;
  readonly serverIntake: Intake;

  constructor(client: Socket, server: Socket) {
    this.client = client;
    this.server = server;
    this.clientIntake = new Intake(client);
    this.serverIntake = new Intake(server);
    client.on('drain', this.#onClientDrain);
    server.on('drain', this.#onServerDrain);
  }

  /** Whether the client has bytes to read before it should be given more. */
  get clientFull(): boolean {
    return this.client.writableNeedDrain && this.client.writableLength > 0;
  }

  toServer(bytes: Buffer): void {
    // A chunk larger than the high-water mark makes write() say false even where the kernel took all of it at once.
    if (!this.server.write(bytes) && this.server.writableLength > 0) this.clientIntake.hold(Hold.SinkFull);
  }

  toClient(bytes: Buffer): void {
    if (!this.client.write(bytes) && this.client.writableLength > 0) this.serverIntake.hold(Hold.SinkFull);
  }

  /** Lets go of the sockets, which may be reading or not. */
  detach(): void {
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
