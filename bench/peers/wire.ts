import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0');
const startup = Buffer.concat([Buffer.from([0, 0, 0, 8 + parameters.length, 0, 3, 0, 0]), parameters]);
const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** A connection that is logged in where no password is asked for, read into one buffer that `onBytes` is shown. */
export class WireConnection {
  readonly socket: Socket;
  #last: Buffer = Buffer.alloc(0);
  #wake: (() => void) | null = null;
  received = 0;

  constructor(port: number) {
    const buffer = Buffer.allocUnsafe(65_536);
    this.socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer,
        callback: (count) => {
          this.received += count;
          const end = buffer.subarray(Math.max(0, count - 6), count);
          this.#last = Buffer.concat([this.#last, end]).subarray(-6);
          if (this.#last.equals(readyForQuery)) this.#wake?.();
          return true;
        },
      },
    });
  }

  static async open(port: number): Promise<WireConnection> {
    const connection = new WireConnection(port);
    await once(connection.socket, 'connect');
    await connection.#round(startup);
    return connection;
  }

  /** Sends a Query and waits for the end of its answer; gives the bytes of that. */
  async query(sql: string): Promise<number> {
    const text = Buffer.from(`${sql}\0`);
    const header = Buffer.from([0x51, 0, 0, 0, 0]);
    header.writeInt32BE(text.length + 4, 1);
    const before = this.received;
    await this.#round(Buffer.concat([header, text]));
    return this.received - before;
  }

  close(): void {
    this.socket.destroy();
  }

  #round(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#last = Buffer.alloc(0);
      const closed = (): void => reject(new Error('the connection was closed'));
      this.socket.once('close', closed);
      this.#wake = () => {
        this.socket.off('close', closed);
        resolve();
      };
      this.socket.write(bytes);
    });
  }
}
