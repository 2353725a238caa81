import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { Packet } from './wire.ts';

/** A way for packets, both ways. */
export interface Channel<Out> {
  /** @throws {Error} where something in it cannot be cloned */
  send(packet: Packet<Out>): void;
  /** Hands on what has arrived and was not handed on yet. */
  drain(): void;
  close(): void;
}

/** Who gets what comes through a channel. */
export interface ChannelReader {
  /** A packet, of which nothing is known yet. */
  packet(packet: unknown): void;
  /** What came is no packet, or too large for one. */
  broken(reason: string): void;
  /** The other side is gone. */
  closed(): void;
}

/** Below this, copying takes less time than handing memory over: a fifth less of the whole call at 3 kB. */
const worthMoving = 64 * 1024;

/** A channel to another thread. */
export function portChannel<Out>(port: MessagePort, reader: ChannelReader): Channel<Out> {
  port.on('message', (packet) => reader.packet(packet));
  port.on('messageerror', () => reader.broken('a message cannot be read'));
  port.on('close', () => reader.closed());
  return {
    send(packet) {
      port.postMessage(packet, packet.bytes.byteLength >= worthMoving ? [packet.bytes] : []);
    },
    drain() {
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
        reader.packet(next.message);
      }
    },
    close: () => port.close(),
  };
}

/**
 * A channel to another process: each packet as V8 serialises it, after its length in four bytes.
 * @param largest packet that is taken, in bytes
 */
export function socketChannel<Out>(socket: Socket, reader: ChannelReader, largest: number): Channel<Out> {
  const frames = new FrameReader(largest, (frame) => {
    let packet: unknown;
    try {
      packet = deserialize(frame);
    } catch {
      return reader.broken('a message cannot be read');
    }
    reader.packet(packet);
  });
  socket.on('data', (chunk: Buffer) => {
    const reason = frames.read(chunk);
    if (reason === null) return;
    socket.destroy();
    reader.broken(reason);
  });
  // What went wrong is followed by `close`.
  socket.on('error', () => {});
  socket.on('close', () => reader.closed());
  return {
    send(packet) {
      const body = serialize(packet);
      const head = Buffer.allocUnsafe(4);
      head.writeUInt32LE(body.length);
      if (!socket.writable) return;
      socket.cork();
      socket.write(head);
      socket.write(body);
      socket.uncork();
    },
    drain: () => {},
    close: () => socket.destroy(),
  };
}

class FrameReader {
  readonly #largest: number;
  readonly #take: (frame: Buffer) => void;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(largest: number, take: (frame: Buffer) => void) {
    this.#largest = largest;
    this.#take = take;
  }

  /** Gives what is wrong, in words; null where nothing is. */
  read(chunk: Buffer): string | null {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length >= 4) {
      const head = (this.#chunks[0] as Buffer).length >= 4 ? (this.#chunks[0] as Buffer) : this.#whole();
      const wanted = head.readUInt32LE(0);
      if (wanted > this.#largest) return `a message of ${wanted} bytes, where at most ${this.#largest} are taken`;
      if (this.#length < wanted + 4) return null;
      const whole = this.#whole();
      this.#chunks = whole.length > wanted + 4 ? [whole.subarray(wanted + 4)] : [];
      this.#length -= wanted + 4;
      this.#take(whole.subarray(4, wanted + 4));
    }
    return null;
  }

  #whole(): Buffer {
    const whole = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#length);
    this.#chunks = [whole];
    return whole;
  }
}
