import { once } from 'node:events';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { gssRequest, message, query, sslRequest, startup, WireClient } from '../support/wire-client.ts';

describe('whatever bytes come at the listener', () => {
  let gateway: SpecGateway;
  let bystander: WireClient;

  before(async () => {
    gateway = await startGateway({ database: await sharedPostgres(), server: { loginTimeout: '2s' } });
    bystander = await WireClient.open(gateway.port);
  });
  after(async () => {
    bystander.socket.destroy();
    await gateway[Symbol.asyncDispose]();
  });

  const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
  const length = fc.oneof(fc.integer(), fc.integer({ min: -8, max: 300 }), fc.constantFrom(10_003, 10_004, 10_005));
  const packet = fc.tuple(length, bytes).map(([size, rest]) => {
    const header = Buffer.alloc(4);
    header.writeInt32BE(size | 0);
    return Buffer.concat([header, rest]);
  });
  const typed = fc.tuple(fc.integer({ min: 0, max: 255 }), packet).map(([type, rest]) => {
    return Buffer.concat([Buffer.from([type]), rest]);
  });
  const piece = fc.oneof(
    bytes,
    packet,
    typed,
    fc.constantFrom(
      startup(),
      sslRequest,
      gssRequest,
      query('select 1'),
      message('S'),
      message('X'),
      message('p', 'x'),
    ),
    // A TLS handshake, and a start-up packet cut short.
    fc.constantFrom(Buffer.from('160301020001000200', 'hex'), startup().subarray(0, 17)),
  );
  const ending = fc.constantFrom('end', 'reset', 'destroy');

  it('never ends the gateway nor touches another client', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), ending, async (pieces, how) => {
        const client = await WireClient.connect(gateway.port);
        client.socket.resume();
        for (const one of pieces) client.send(one);
        if (how === 'end') {
          client.socket.end();
          if (!client.socket.readableEnded && !client.socket.closed)
            await Promise.race([client.closed, once(client.socket, 'end')]);
        } else if (how === 'reset') {
          client.socket.resetAndDestroy();
        } else {
          client.socket.destroy();
        }
        await client.closed;
        bystander.send(query('select 42'));
        const row = (await bystander.until('Z')).find(({ type }) => type === 'D')!;
        expect(row.body.subarray(6).toString()).to.equal('42');
      }),
      { numRuns: 300 },
    );
    await until(() => gateway.gateway.sessions === 1);
    expect(gateway.log.filter(({ code }) => code === 'NETWORK_INTERNAL')).to.deep.equal([]);
  });
});
