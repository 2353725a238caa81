import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';

/**
 * What of Node.js is used here that is not its public interface: the handle below a TCP or Unix socket, which can read
 * into a buffer that is used again (publicly there is `onread`, for sockets that connect only) and write without the
 * machinery of a stream. In all versions from 20 to 26. Where any of it is missing, sockets are used as streams.
 */
interface Handle {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
  useUserBuffer(buffer: Uint8Array): void;
  /** Whether it was told to read, as the stream keeps in mind. */
  reading: boolean;
  readStart(): number;
  /** Called when something was read, or reading ended; how many bytes, or what error, is in the binding's state. */
  onread: (this: Handle, bytes: unknown) => void;
  /**
   * With a request: an error number. With null, from Node.js 26 on: that, or the request where one was needed. Undefined
   * when it is closed.
   */
  writeBuffer(request: WriteRequest | null, bytes: Uint8Array): number | WriteRequest | undefined;
}
interface WriteRequest {
  handle?: Handle;
  oncomplete?: (status: number) => void;
  /** Keeps the bytes from being collected. */
  buffer?: Uint8Array;
  writeStatus?: number | null;
}
interface StreamBinding {
  readonly WriteRequest: new () => WriteRequest;
  /** What the last read or write of any handle came to. */
  readonly state: Readonly<Record<number, number>>;
  readonly readBytesOrError: number;
  readonly lastWriteWasAsync: number;
  /** Whether requests are made by the write itself. */
  readonly makesRequests: boolean;
  readonly lastWriteError: number;
}

type Slots = Record<symbol, unknown>;
interface SlotNames {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

/** All sockets read into this one: what was read is dealt with, or copied, before anything else is read. */
const shared = Buffer.allocUnsafeSlow(65_536);
const views: Buffer[] = [];

/** The first bytes of the shared buffer. Most messages are short, and a new view costs more than a look into an array. */
function viewOf(length: number): Buffer {
  if (length > 1024) return shared.subarray(0, length);
  return (views[length] ??= shared.subarray(0, length));
}

const binding = findBinding();
let spare: WriteRequest | null = null;

/** A socket without the stream around it, for as long as bytes are relayed. */
export class DirectSocket {
  readonly #socket: Socket;
  readonly #handle: Handle;
  readonly #binding: StreamBinding;
  readonly #slots: SlotNames;
  #onWritten: (() => void) | null;
  /** The handle's own way of giving what it read to the stream; null while it is used. */
  #streamRead: Handle['onread'] | null = null;
  #pending = 0;

  private constructor(socket: Socket, handle: Handle, slots: SlotNames, api: StreamBinding, onWritten: () => void) {
    this.#socket = socket;
    this.#handle = handle;
    this.#slots = slots;
    this.#binding = api;
    this.#onWritten = onWritten;
  }

  /**
   * @param onWritten called when all that `write` could not write at once is written
   * @returns null where a socket can only be used as a stream: encrypted, or on a Node.js that is made otherwise
   */
  static of(socket: Socket, onWritten: () => void): DirectSocket | null {
    if (binding === null) return null;
    const handle = handleOf(socket);
    const slots = slotsOf(socket);
    if (handle === null || slots === null) return null;
    return new DirectSocket(socket, handle, slots, binding, onWritten);
  }

  /** Bytes that were given to `write` and are not with the kernel yet. */
  get pending(): number {
    return this.#pending === 0 ? 0 : this.#handle.writeQueueSize;
  }

  /**
   * From now on what arrives goes to `onBytes`, in a buffer that is used again when that returns. Nothing may wait in the
   * stream. Its other events, `pause` and `resume` stay what they are.
   */
  read(onBytes: (bytes: Buffer) => void): void {
    const handle = this.#handle;
    const slots = this.#socket as unknown as Slots;
    const { buffer, callback } = this.#slots;
    if (slots[buffer] !== shared) {
      slots[buffer] = shared;
      slots[callback] = (length: number) => this.#socket.push(Buffer.from(viewOf(length)));
      handle.useUserBuffer(shared);
    }
    const { state, readBytesOrError } = this.#binding;
    const streamRead = handle.onread;
    this.#streamRead = streamRead;
    handle.onread = (bytes) => {
      const length = state[readBytesOrError] as number;
      if (length > 0) onBytes(viewOf(length));
      else streamRead.call(handle, bytes);
    };
  }

  /** What arrives from now on goes to the stream again, and to whoever listens there; `onWritten` is not called any more. */
  release(): void {
    this.#onWritten = null;
    this.#stopReading();
  }

  /** What arrives from now on waits in the stream, which is paused, up to what that takes; `write` goes on as before. */
  readIntoStream(): void {
    this.#stopReading();
    this.#handle.reading = true;
    if (this.#handle.readStart() !== 0) this.#socket.destroy();
  }

  #stopReading(): void {
    if (this.#streamRead === null) return;
    this.#handle.onread = this.#streamRead;
    this.#streamRead = null;
  }

  /**
   * Writes bytes that stay as they are until they are written. Nothing may wait in the stream.
   * @returns whether the kernel took all of them; if not, the rest follows by itself
   */
  write(bytes: Buffer): boolean {
    const { makesRequests, state, lastWriteWasAsync, lastWriteError } = this.#binding;
    if (makesRequests) {
      const made = this.#handle.writeBuffer(null, bytes);
      if (made === undefined || typeof made === 'number') return this.#wrote(made);
      this.#wait(made, bytes);
      const status = state[lastWriteError] || made.writeStatus || 0;
      return status === 0 ? false : this.#wrote(status);
    }
    const request = (spare ??= new this.#binding.WriteRequest());
    const error = this.#handle.writeBuffer(request, bytes) as number | undefined;
    if (error !== 0 || state[lastWriteWasAsync] === 0) return this.#wrote(error);
    spare = null;
    this.#wait(request, bytes);
    return false;
  }

  #wait(request: WriteRequest, bytes: Buffer): void {
    this.#pending++;
    request.handle = this.#handle;
    request.buffer = bytes;
    request.oncomplete = (status) => {
      this.#pending--;
      if (this.#wrote(status) && this.#pending === 0) this.#onWritten?.();
    };
  }

  /** What cannot be written to is gone; its 'close' says so. */
  #wrote(status: number | undefined): boolean {
    if (status === 0) return true;
    const socket = this.#socket;
    if (!socket.destroyed && status !== undefined) {
      const code = getSystemErrorName(status);
      socket.destroy(Object.assign(new Error(`write ${code}`), { code, errno: status, syscall: 'write' }));
    }
    return true;
  }
}

function findBinding(): StreamBinding | null {
  try {
    const { binding: find } = process as unknown as { binding: (name: string) => Record<string, unknown> };
    const found = find.call(process, 'stream_wrap');
    const { WriteWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync, kLastWriteErr } = found;
    const usable = typeof WriteWrap === 'function' && ArrayBuffer.isView(streamBaseState);
    if (!usable || typeof kLastWriteWasAsync !== 'number' || typeof kReadBytesOrError !== 'number') return null;
    return {
      WriteRequest: WriteWrap as StreamBinding['WriteRequest'],
      state: streamBaseState as unknown as Int32Array,
      readBytesOrError: kReadBytesOrError,
      lastWriteWasAsync: kLastWriteWasAsync,
      makesRequests: typeof kLastWriteErr === 'number',
      lastWriteError: typeof kLastWriteErr === 'number' ? kLastWriteErr : -1,
    };
  } catch {
    return null;
  }
}

function handleOf(socket: Socket): Handle | null {
  const { _handle: handle } = socket as unknown as { _handle?: Partial<Handle> | null };
  if (handle === undefined || handle === null || !/^(?:TCP|Pipe)$/.test(handle.constructor.name)) return null;
  const known =
    typeof handle.useUserBuffer === 'function' &&
    typeof handle.onread === 'function' &&
    typeof handle.readStart === 'function' &&
    typeof handle.writeBuffer === 'function' &&
    typeof handle.writeQueueSize === 'number';
  return known ? (handle as Handle) : null;
}

/** Tells, from one look to the next, whether the kernel took anything: bytes in the stream and below it, as far as known. */
export function unsentBytes(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle?: Partial<Handle> | null };
  return socket.writableLength + (handle?.writeQueueSize ?? 0);
}

/** In every socket they are the same. */
let slotNames: SlotNames | null = null;

function slotsOf(socket: Socket): SlotNames | null {
  if (slotNames === null || !(slotNames.buffer in socket)) slotNames = findSlots(socket);
  return slotNames;
}

function findSlots(socket: Socket): SlotNames | null {
  const symbols = Object.getOwnPropertySymbols(socket);
  const find = (name: string): symbol | undefined => symbols.find(({ description }) => description === name);
  const buffer = find('kBuffer');
  const callback = find('kBufferCb');
  const generator = find('kBufferGen');
  if (buffer === undefined || callback === undefined || generator === undefined) return null;
  return { buffer, callback, generator };
}
