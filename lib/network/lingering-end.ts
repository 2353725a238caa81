import type { Socket } from 'node:net';

/** How long the other side may take to end its own side after it has everything. */
const lingerTimeout = 1000;
/** How long it may take to read a last message that it did not wait for. */
const flushTimeout = 2000;

/** How long it may take in nothing at all of what is still on its way to it. */
const stallTimeout = 60_000;

/**
 * Ends a socket so that the other side can read all of it: what it still sends is read and thrown away, since a
 * socket closed with unread data takes back what it sent. A side that does not end its own is cut off after a while.
 * @param lastWords written before the end; with them the flush is bounded in time, too
 */
export function lingeringEnd(socket: Socket, lastWords: Buffer | null): void {
  if (socket.destroyed) return;
  const cut = (): void => {
    socket.destroy();
  };
  let timer = lastWords === null ? undefined : setTimeout(cut, flushTimeout);
  socket.on('close', () => clearTimeout(timer));
  socket.on('finish', () => {
    clearTimeout(timer);
    timer = setTimeout(cut, lingerTimeout);
  });
  socket.setTimeout(stallTimeout, cut);
  socket.on('data', discard);
  socket.resume();
  if (lastWords === null) socket.end();
  else socket.end(lastWords);
}

function discard(): void {
  // Nobody is interested in it any more.
}
