import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { type BackendSettings, backoffOf, connectBackend } from '../../lib/network/backend.ts';
import { caught } from '../support/caught.ts';

const settings: BackendSettings = {
  name: 'default.writes',
  dialTimeout: 1000,
  retries: 3,
  backoff: 1000,
  backoffMultiplier: 2,
  disableBackoffCaps: false,
  keepAlive: null,
};
const forever = new AbortController().signal;

describe('a connection to the database', () => {
  it('waits longer from try to try, capped as GatewayD does unless told otherwise', () => {
    const waits = (of: BackendSettings): number[] => [1, 2, 3, 8].map((failures) => backoffOf(of, failures));
    expect(waits(settings)).to.deep.equal([1000, 2000, 4000, 60_000]);
    expect(waits({ ...settings, disableBackoffCaps: true })).to.deep.equal([1000, 2000, 4000, 128_000]);
    expect(waits({ ...settings, backoffMultiplier: 0 })).to.deep.equal([1000, 0, 0, 0]);
  });

  it('is tried again until it is there, and leaves no listeners behind', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as { port: number };
    probe.close();
    await once(probe, 'close');
    const connecting = connectBackend(
      { kind: 'tcp', host: '127.0.0.1', port },
      { ...settings, retries: 1000, backoff: 1, backoffMultiplier: 1, disableBackoffCaps: true, keepAlive: 1000 },
      forever,
    );
    const server = createServer((socket) => socket.end()).listen(port, '127.0.0.1');
    const socket = await connecting;
    expect(socket.listenerCount('connect')).to.equal(0);
    expect(socket.listenerCount('error')).to.equal(1);
    socket.destroy();
    server.close();
  });

  it('reaches a name that has several addresses by the one that answers', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const socket = await connectBackend({ kind: 'tcp', host: 'localhost', port }, { ...settings, retries: 0 }, forever);
    expect(socket.remoteAddress).to.equal('127.0.0.1');
    socket.destroy();
    server.close();
  });

  it('is given up when nobody waits for it any more, between two tries as well', async () => {
    const abort = new AbortController();
    const connecting = connectBackend(
      { kind: 'unix', path: '/nowhere/at/all' },
      { ...settings, backoff: 3_600_000 },
      abort.signal,
    );
    setImmediate(() => abort.abort(new Error('gone')));
    expect(await caught(connecting)).to.include({ message: 'gone' });
    const late = connectBackend({ kind: 'unix', path: '/nowhere/at/all' }, settings, abort.signal);
    expect(await caught(late)).to.include({ message: 'gone' });
  });

  it('that cannot be had says why in the word of the system', async () => {
    const endpoint = { kind: 'tcp', host: 'does-not-exist.invalid', port: 1 } as const;
    const error = await caught(connectBackend(endpoint, { ...settings, retries: 0 }, forever));
    expect(error).to.include({ code: 'NETWORK_DATABASE_UNREACHABLE', sqlstate: '08006' });
    expect(error.message)
      .to.match(/ENOTFOUND|EAI_AGAIN/)
      .and.not.contain('does-not-exist');
  });
});
