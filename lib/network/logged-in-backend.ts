import type { Socket } from 'node:net';
import { GatewayDError } from '../errors.ts';
import { BackendCode, type TransactionStatus } from '../protocol/codes.ts';
import type { ErrorFields } from '../protocol/error-response.ts';
import type { Value } from '../protocol/field-types.ts';
import { int32At } from '../protocol/int32-at.ts';
import { MessageReader } from '../protocol/message-reader.ts';
import { MessageSource } from '../protocol/message-source.ts';
import { type BackendMessage, type Message, messages, readMessages } from '../protocol/messages.ts';
import type { Endpoint } from './endpoint.ts';
import { networkErrors } from './errors.ts';

/** What gatewayd asks a database itself is answered in a few bytes. */
const longestMessage = 1_048_576;
/** What says nothing to whoever asked for it. */
const unread: ReadonlySet<number> = new Set([
  BackendCode.ParseComplete,
  BackendCode.BindComplete,
  BackendCode.RowDescription,
  BackendCode.CommandComplete,
  BackendCode.CloseComplete,
]);

/** What the database answered to a request of ours. */
export interface Reply {
  readonly rows: readonly (readonly Value[])[];
  /** The first error, if there was one. */
  readonly error: ErrorFields | null;
  readonly status: TransactionStatus;
}

/** Someone who has a connection to a database read for him. */
export interface BackendReader {
  message(message: BackendMessage): void;
  /** The connection is over, or of no use any more. */
  broken(error: GatewayDError): void;
}

/**
 * A connection to a database on which gatewayd has logged in, or is about to. While nobody has borrowed it, what the
 * database says is read here: its parameters are kept up to date, and it is known when the connection is over.
 */
export class LoggedInBackend {
  readonly socket: Socket;
  readonly endpoint: Endpoint;
  /** When it was connected, as `performance.now()` has it. */
  readonly since = performance.now();
  /** What the database has reported of its settings, as they are now. */
  readonly parameters = new Map<string, string>();
  /** The same as it said it: ParameterStatus messages, by the names of the settings. */
  readonly reports = new Map<string, Buffer>();
  /** The body of BackendKeyData: what cancels a query here. */
  key: Buffer | null = null;
  /** Called, once, when it breaks while nobody uses it. */
  onBroken: (() => void) | null = null;
  #reader: BackendReader | null = null;
  #messages = new MessageReader(longestMessage);
  #lastError: ErrorFields | null = null;
  #error: GatewayDError | null = null;
  #lent = false;

  /** @param socket connected; it is read from now on */
  constructor(socket: Socket, endpoint: Endpoint) {
    this.socket = socket;
    this.endpoint = endpoint;
    this.#listen();
  }

  /** Why it is of no use any more; null while it is. */
  get error(): GatewayDError | null {
    return this.#error;
  }

  /** Has somebody else read what the database says next: the socket is paused, between two messages. */
  lend(): Socket {
    this.#lent = true;
    this.socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
    this.socket.pause();
    if (!this.#messages.atBoundary) this.#break(new GatewayDError(networkErrors.NETWORK_DATABASE_CLOSED));
    return this.socket;
  }

  /** Notes what passed while it was lent. @param body of a ParameterStatus */
  note(body: Buffer): void {
    const [parameter = '', value = ''] = body.toString().split('\0');
    this.#report(parameter, value, messages.parameterStatus(parameter, value).bytes);
  }

  /** Reads on here after `lend`. */
  takeBack(): void {
    if (!this.#lent) return;
    this.#lent = false;
    this.#listen();
  }

  #listen(): void {
    this.#messages = new MessageReader(longestMessage);
    if (this.socket.destroyed || this.socket.readableEnded) return this.#onEnd();
    this.socket.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onEnd);
    this.socket.resume();
  }

  /** Gives each message to a reader, until another is set; null for none, and what comes then but news is a fault. */
  read(reader: BackendReader | null): void {
    this.#reader = reader;
    if (this.#error !== null) reader?.broken(this.#error);
  }

  /**
   * Asks the database something.
   * @param bytes messages that are answered with so many ReadyForQuery
   * @param timeout milliseconds; what takes longer has broken the connection
   * @throws {GatewayDError} NETWORK_DATABASE_CLOSED, NETWORK_DATABASE_SILENT
   */
  ask(bytes: Buffer, readies: number, timeout: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const rows: (readonly Value[])[] = [];
      let error: ErrorFields | null = null;
      let left = readies;
      const settle = (): void => {
        clearTimeout(timer);
        this.read(null);
      };
      const expire = (): void =>
        this.#break(new GatewayDError(networkErrors.NETWORK_DATABASE_SILENT, { milliseconds: timeout }));
      const timer = setTimeout(expire, timeout);
      this.read({
        message: (message) => {
          if (message.name === 'DataRow') rows.push(message.values);
          else if (message.name === 'ErrorResponse') error ??= message.fields;
          else if (message.name === 'CopyInResponse') this.socket.write(messages.copyFail('nobody copies here').bytes);
          if (message.name !== 'ReadyForQuery' || --left > 0) return;
          settle();
          resolve({ rows, error, status: message.status });
        },
        broken: (reason) => {
          settle();
          reject(reason);
        },
      });
      if (this.#error === null) this.socket.write(bytes);
    });
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#error ??= new GatewayDError(networkErrors.NETWORK_DATABASE_CLOSED);
    this.socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      for (const batch of this.#messages.read(chunk)) this.#readBatch(batch);
    } catch (error) {
      const cause = { cause: error };
      this.#break(
        error instanceof GatewayDError ? error : new GatewayDError(networkErrors.NETWORK_INTERNAL, {}, cause),
      );
    }
  };

  #readBatch(batch: Buffer): void {
    for (let start = 0; start < batch.length;) {
      const end = start + 1 + int32At(batch, start + 1);
      if (this.#reader === null || !unread.has(batch[start] as number)) this.#readOne(batch.subarray(start, end));
      start = end;
    }
  }

  #readOne(bytes: Buffer): void {
    const list: Message[] = [];
    readMessages('backend', new MessageSource(bytes), list);
    for (const message of list) this.#take(message as BackendMessage);
  }

  #take(message: BackendMessage): void {
    const { name } = message;
    if (name === 'ParameterStatus') this.#report(message.parameter, message.value, message.bytes);
    else if (name === 'BackendKeyData') this.key = keyOf(message.bytes.subarray(5));
    else if (name !== 'NoticeResponse' && name !== 'NotificationResponse') this.#answered(message);
  }

  #report(parameter: string, value: string, message: Buffer): void {
    this.parameters.set(parameter, value);
    this.reports.set(parameter, message);
  }

  #answered(message: BackendMessage): void {
    if (message.name === 'ErrorResponse') this.#lastError = message.fields;
    if (this.#reader !== null) this.#reader.message(message);
    // An error that nobody asked for is the last before the end, which is waited for: it says why.
    else if (message.name !== 'ErrorResponse') this.#break(new GatewayDError(networkErrors.NETWORK_DATABASE_CLOSED));
  }

  readonly #onEnd = (): void => {
    const last = this.#lastError;
    const { NETWORK_DATABASE_CLOSED, NETWORK_DATABASE_SAID } = networkErrors;
    const said = last === null ? null : { sqlstate: last.sqlstate, message: last.message };
    this.#break(
      said === null ? new GatewayDError(NETWORK_DATABASE_CLOSED) : new GatewayDError(NETWORK_DATABASE_SAID, said),
    );
  };

  #break(error: GatewayDError): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.socket.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
    this.socket.destroy();
    if (this.#reader !== null) this.#reader.broken(error);
    else this.onBroken?.();
  }
}

/** A key that a CancelRequest can carry; null for any other. */
function keyOf(body: Buffer): Buffer | null {
  return body.length >= 8 && body.length <= 260 ? Buffer.from(body) : null;
}
