import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeStartupPacket } from '../../lib/protocol/startup.ts';
import { parseErrorFields, type ErrorFields } from '../../lib/protocol/error-response.ts';

/** A message as it came. */
export interface WireMessage {
  /** The type byte as a letter. */
  readonly type: string;
  readonly body: Buffer;
}

/** The bytes of a message. */
export function message(type: string, body: Buffer | string = ''): Buffer {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
  const header = Buffer.from([type.charCodeAt(0), 0, 0, 0, 0]);
  header.writeInt32BE(bytes.length + 4, 1);
  return Buffer.concat([header, bytes]);
}

/** The bytes of a Query. */
export const query = (sql: string): Buffer => message('Q', `${sql}\0`);

/** The bytes of a StartupMessage. */
export function startup(parameters: Readonly<Record<string, string>> = {}, minor = 0): Buffer {
  const all = new Map(Object.entries({ user: 'postgres', database: 'postgres', ...parameters }));
  return encodeStartupPacket({ name: 'StartupMessage', major: 3, minor, parameters: all });
}

export const sslRequest = encodeStartupPacket({ name: 'SSLRequest' });
export const gssRequest = encodeStartupPacket({ name: 'GSSENCRequest' });

/** A client that speaks bytes. It reads only when asked to. */
export class WireClient implements Disposable {
  readonly socket: Socket;
  /** Settles when the connection is gone, however. */
  readonly closed: Promise<void>;
  #buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => resolve());
    });
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<WireClient> {
    const socket = connect({ port, host, allowHalfOpen: true });
    await once(socket, 'connect');
    return new WireClient(socket);
  }

  /** Connects and logs in where no password is asked for. */
  static async open(port: number, parameters: Readonly<Record<string, string>> = {}): Promise<WireClient> {
    const client = await WireClient.connect(port);
    client.send(startup(parameters));
    await client.until('Z');
    return client;
  }

  send(...bytes: readonly Buffer[]): this {
    this.socket.write(Buffer.concat(bytes));
    return this;
  }

  /** The next `length` bytes; fewer when the connection ends before. */
  async bytes(length: number): Promise<Buffer> {
    while (this.#buffer.length < length) {
      const chunk = this.socket.read() as Buffer | null;
      if (chunk !== null) this.#buffer = Buffer.concat([this.#buffer, chunk]);
      else if (this.socket.readableEnded || this.socket.destroyed) break;
      else await this.#more();
    }
    const bytes = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(bytes.length);
    return bytes;
  }

  /** The next message; null when the connection ends before one. */
  async next(): Promise<WireMessage | null> {
    const header = await this.bytes(5);
    if (header.length < 5) return null;
    const length = header.readInt32BE(1) - 4;
    const body = await this.bytes(length);
    return body.length < length ? null : { type: String.fromCharCode(header.readUInt8(0)), body };
  }

  /** All messages up to and with the next one of a type; throws when the connection ends before. */
  async until(type: string): Promise<WireMessage[]> {
    const messages: WireMessage[] = [];
    for (;;) {
      const next = await this.next();
      if (next === null) throw new Error(`the connection ended after ${messages.map((one) => one.type).join('')}`);
      messages.push(next);
      if (next.type === type) return messages;
    }
  }

  /** Everything up to the end of the other side; then ends this one. */
  async rest(): Promise<WireMessage[]> {
    const messages: WireMessage[] = [];
    for (let next = await this.next(); next !== null; next = await this.next()) messages.push(next);
    this.socket.end();
    return messages;
  }

  /** The error that everything up to the end of the connection holds. */
  async lastWords(): Promise<ErrorFields | null> {
    const error = (await this.rest()).findLast(({ type }) => type === 'E');
    return error === undefined ? null : parseErrorFields(error.body);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.socket.off('readable', wake).off('end', wake).off('close', wake);
        resolve();
      };
      this.socket.on('readable', wake).on('end', wake).on('close', wake);
    });
  }
}
