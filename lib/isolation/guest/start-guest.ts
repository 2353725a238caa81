import { Socket } from 'node:net';
import { parentPort, type MessagePort } from 'node:worker_threads';
import { portChannel, socketChannel, type Channel, type ChannelReader } from '../channel.ts';
import type { Packet, ToGuest, ToHost } from '../wire.ts';
import { Guest } from './guest.ts';

/** The file descriptor that gatewayd's end of the line is on, in a process. */
export const lineDescriptor = 3;

/** Runs this thread or process as a plugin's guest, for as long as gatewayd holds the other end of the line. */
export function startGuest(): void {
  // The plugin's own calls of it are going to be refused.
  const exit = process.exit.bind(process);
  const reader: ChannelReader = {
    packet: (packet) => guest.take(packet as Packet<ToGuest>),
    broken: () => exit(1),
    closed: () => exit(0),
  };
  let channel: Channel<ToHost>;
  const guest = new Guest((packet) => channel.send(packet));
  if (parentPort === null) {
    // A terminal and a supervisor send these to all of gatewayd's processes. It is gatewayd that decides what to do.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
    channel = socketChannel(new Socket({ fd: lineDescriptor }), reader, Infinity);
    guest.ready();
    return;
  }
  // Not as workerData: that, the plugin could ask for.
  parentPort.once('message', (port: MessagePort) => {
    channel = portChannel(port, reader);
    guest.ready();
  });
}
