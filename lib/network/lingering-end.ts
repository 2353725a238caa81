import type { Socket } from 'node:net';
import { unsentBytes } from './direct-socket.ts';

/** How long the other side may take to end its own side after it has everything. */
const lingerTimeout = 1000;
/** How long it may take to read a last message that it did not wait for. */
const flushTimeout = 2000;

/** How long it may take in nothing at all of what is still on its way to it. */
const stallTimeout = 60_000;
/** How often is looked within that time whether it took anything. */
const looks = 8;

/**
 * Ends a socket so that the other side can read all of it: what it still sends is read and thrown away, since a
 * socket closed with unread data takes back what it sent. A side that does not end its own is cut off after a while.
 * @param lastWords written before the end; with them the flush is bounded in time, too
 * @param stalled how long it may take in nothing, in milliseconds
 */
export function lingeringEnd(socket: Socket, lastWords: Buffer | null, stalled = stallTimeout): void {
  if (socket.destroyed) return;
  const cut = (): void => {
    socket.destroy();
  };
  let timer = lastWords === null ? undefined : setTimeout(cut, flushTimeout);
  // Not the socket's own time limit: what the other side sends puts that off, and so does a write that was begun.
  const watch = setInterval(stallCheck(socket, cut), stalled / looks);
  socket.on('close', () => {
    clearTimeout(timer);
    clearInterval(watch);
  });
  socket.on('finish', () => {
    clearTimeout(timer);
    timer = setTimeout(cut, lingerTimeout);
  });
  socket.on('data', discard);
  socket.resume();
  if (lastWords === null) socket.end();
  else socket.end(lastWords);
}

/** Cuts when nothing has gone out for all of the time. */
function stallCheck(socket: Socket, cut: () => void): () => void {
  let unsent = unsentBytes(socket);
  let still = 0;
  return () => {
    const now = unsentBytes(socket);
    still = now === unsent ? still + 1 : 0;
    unsent = now;
    if (still === looks) cut();
  };
}

function discard(): void {
  // Nobody is interested in it any more.
}
