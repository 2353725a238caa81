import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect } from 'chai';
import { lingeringEnd } from '../../lib/network/lingering-end.ts';
import { socketPair } from '../support/socket-pair.ts';

const mebibyte = Buffer.alloc(1024 * 1024, 'x');

/** A socket with more to send than the kernel keeps, to one that does not read. */
async function unread(mebibytes: number): Promise<[near: Socket, far: Socket]> {
  const [near, far] = await socketPair();
  far.pause();
  for (let written = 0; written < mebibytes; written++) near.write(mebibyte);
  expect(near.writableLength).to.be.greaterThan(0);
  return [near, far];
}

describe('the end of a connection', () => {
  it('is a cut for a client that takes in nothing, also where it goes on sending', async () => {
    const [near, far] = await unread(48);
    const sending = setInterval(() => far.write('more'), 20);
    const closed = once(near, 'close');
    lingeringEnd(near, null, 200);
    await closed;
    clearInterval(sending);
    expect(near.writableFinished).to.equal(false);
    far.destroy();
  });

  it('comes after everything was read by a client that takes its time', async () => {
    const [near, far] = await unread(48);
    const closed = once(near, 'close');
    lingeringEnd(near, null, 400);
    let received = 0;
    far.on('data', (chunk: Buffer) => (received += chunk.length));
    // It reads a moment at a time, for longer altogether than it may take in nothing.
    const reading = setInterval(() => {
      far.resume();
      setImmediate(() => far.pause());
    }, 10);
    const ended = once(far, 'end');
    await ended;
    clearInterval(reading);
    far.end();
    await closed;
    expect(received).to.equal(48 * mebibyte.length);
    expect(near.writableFinished).to.equal(true);
  });
});
