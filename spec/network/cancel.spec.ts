import { expect } from 'chai';
import { expectDriverCancels } from '../support/driver-cancel.ts';
import { CancelRegistry } from '../../lib/network/cancel-registry.ts';
import { parseErrorFields } from '../../lib/protocol/error-response.ts';
import { StartupCode } from '../../lib/protocol/codes.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { query, startup, WireClient } from '../support/wire-client.ts';

function cancelRequest(key: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeInt32BE(8 + key.length, 0);
  header.writeInt32BE(StartupCode.CancelRequest, 4);
  return Buffer.concat([header, key]);
}

describe('a cancel request', () => {
  let gateway: SpecGateway;

  /** Logs in; gives the client and its key. */
  async function open(minor = 0): Promise<{ client: WireClient; key: Buffer }> {
    const client = await WireClient.connect(gateway.port);
    client.send(startup({}, minor));
    const key = (await client.until('Z')).find(({ type }) => type === 'K')!.body;
    return { client, key };
  }

  /** Sends it on a connection of its own; settles when the gateway has closed that. */
  async function cancel(key: Buffer): Promise<Buffer> {
    using client = await WireClient.connect(gateway.port);
    client.send(cancelRequest(key));
    const answer = await client.bytes(1);
    client.socket.end();
    await client.closed;
    return answer;
  }

  /** Starts a query that ends when it is cancelled, and waits until the database is at it. */
  async function startSleeping(client: WireClient): Promise<void> {
    client.send(query('do $$ begin raise notice $n$asleep$n$; perform pg_sleep(60); end $$'));
    await client.until('N');
  }

  before(async () => {
    gateway = await startGateway({ database: await sharedPostgres(), pool: { size: 2 } });
  });
  after(() => gateway[Symbol.asyncDispose]());

  for (const minor of [0, 2]) {
    it(`with a key of protocol 3.${minor} ends that session's query and no other's, outside the pool`, async () => {
      const victim = await open(minor);
      const bystander = await open(minor);
      expect(victim.key.length).to.equal(minor === 0 ? 8 : 36);
      await startSleeping(victim.client);
      await startSleeping(bystander.client);
      expect(await cancel(victim.key)).to.have.length(0);
      const error = (await victim.client.until('Z')).find(({ type }) => type === 'E')!;
      expect(parseErrorFields(error.body)).to.include({ sqlstate: '57014', severity: 'ERROR' });
      // Were the other one cancelled too, its answer would have come by the time that its own cancel is through.
      expect(bystander.client.socket.readableLength).to.equal(0);
      await cancel(bystander.key);
      await bystander.client.until('Z');
      for (const { client } of [victim, bystander]) {
        client.send(query('select 1'));
        await client.until('Z');
        client.socket.end();
        await client.rest();
        await client.closed;
      }
    });
  }

  it('with an unknown key, or one of a session that is over, is closed without a word', async () => {
    expect(await cancel(Buffer.from([0, 0, 0, 1, 2, 3, 4, 5]))).to.have.length(0);
    const { client, key } = await open();
    client.socket.end();
    await client.rest();
    await client.closed;
    expect(await cancel(key)).to.have.length(0);
    expect(gateway.log.filter(({ level }) => level > 20)).to.deep.equal([]);
  });

  it('through a driver ends the query it is meant for', async () => {
    await expectDriverCancels(gateway);
  });

  it('is not remembered for longer than its session', async () => {
    const registry = new CancelRegistry();
    const [first, second] = [Buffer.from('key one.'), Buffer.from('key two.')];
    const forget = registry.add(first, { kind: 'unix', path: '/one' });
    registry.add(second, { kind: 'unix', path: '/two' });
    await forget();
    await forget();
    expect(registry.size).to.equal(1);
  });
});
