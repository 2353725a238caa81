import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { createHooks, type Hooks } from '../../lib/hooks/hooks.ts';
import type { LargeBody } from '../../lib/hooks/payloads.ts';
import { createView } from '../../lib/hooks/view.ts';
import { parseErrorFields } from '../../lib/protocol/error-response.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { RecordingOwner } from '../support/recording-owner.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { message, query, WireClient } from '../support/wire-client.ts';

const size = 4 * 1024 * 1024;
const value = randomBytes(size / 2).toString('hex');
const hashOf = (text: string | Buffer): string => createHash('md5').update(text).digest('hex');
const large = { name: 'large', largeMessages: true };

describe('messages larger than maxMessageSize, which a plugin takes in pieces', () => {
  let bus: Hooks;
  let owner: RecordingOwner;
  let hooks: Hooks;

  beforeEach(() => {
    bus = createHooks();
    owner = new RecordingOwner('large');
    hooks = createView(bus, owner);
  });

  const start = async (): Promise<SpecGateway> =>
    startGateway({ database: await sharedPostgres(), hooks: bus, server: { maxMessageSize: 65_536 } });

  it('are the same on the other side, and what the plugin read', async () => {
    const read: [name: string, hash: string][] = [];
    const hashed = (name: string) => async (body: LargeBody) => {
      const hash = createHash('md5');
      for await (const piece of body) hash.update(piece);
      read.push([name, hash.digest('hex')]);
    };
    hooks.trafficFromClient.tap(large, (batch) => batch.large?.read(hashed(batch.large.name)));
    hooks.trafficFromServer.tap(large, (batch) => batch.large?.read(hashed(batch.large.name)));
    await using gateway = await start();
    const client = gateway.client();
    await client.connect();
    const simple = await client.query<{ hash: string }>(`select md5('${value}') as hash`);
    expect(simple.rows).to.deep.equal([{ hash: hashOf(value) }]);
    const extended = await client.query<{ value: string }>('select $1::text as value', [value]);
    expect(hashOf(extended.rows[0]?.value ?? '')).to.equal(hashOf(value));
    await client.end();
    expect(read.map(([name]) => name)).to.deep.equal(['Query', 'Bind', 'DataRow']);
    expect(read[0]?.[1]).to.equal(hashOf(`select md5('${value}') as hash\0`));
    expect(owner.errors).to.deep.equal([]);
  });

  it('are refused in the middle of a COPY, and the session goes on', async () => {
    hooks.trafficFromClient.tap(large, (batch) =>
      batch.large === null ? undefined : batch.refuse('54000', 'not so much at once'),
    );
    await using gateway = await start();
    using client = await WireClient.open(gateway.port);
    client.send(query('create temp table copied (value text)'));
    await client.until('Z');
    client.send(query('copy copied from stdin'));
    await client.until('G');
    client.send(message('d', 'small\n'), message('d', `${value}\n`), message('d', 'after\n'), message('c'));
    const answer = await client.until('Z');
    const { body } = answer.find(({ type }) => type === 'E')!;
    expect(parseErrorFields(body)).to.include({ sqlstate: '57014' });
    expect(parseErrorFields(body).message).to.contain('not so much at once');
    client.send(query('select count(*) from copied'));
    const [row] = (await client.until('Z')).filter(({ type }) => type === 'D');
    expect(row?.body.toString('latin1').at(-1)).to.equal('0');
  });

  it('wait for a slow reader, and so does who sends them', async () => {
    let proceed = (): void => {};
    let pieces = 0;
    hooks.trafficFromClient.tap(large, (batch) =>
      batch.large?.read(async (body) => {
        for await (const piece of body) {
          pieces += piece.length;
          if (pieces === piece.length) await new Promise<void>((resolve) => (proceed = resolve));
        }
      }),
    );
    await using gateway = await start();
    using client = await WireClient.open(gateway.port);
    client.send(query('create temp table copied (value text)'), query('copy copied from stdin'));
    await client.until('G');
    const line = Buffer.from(`${'x'.repeat(16 * 1024 * 1024)}\n`);
    client.send(message('d', line), message('c'));
    await until(() => pieces > 0);
    // The kernel's buffers are full before half of it is sent: nobody in between takes the rest in.
    const unsent = client.socket.writableLength;
    using other = await WireClient.open(gateway.port);
    other.send(query('select pg_sleep(0.05)'));
    await other.until('Z');
    expect(pieces).to.be.at.most(65_536);
    expect(unsent).to.be.greaterThan(0);
    expect(client.socket.writableLength).to.be.greaterThan(0);
    proceed();
    expect((await client.until('Z')).map(({ type }) => type).join('')).to.equal('CZ');
    expect(pieces).to.equal(line.length);
  });

  it('leave nothing behind where the client leaves in the middle', async () => {
    let begun = 0;
    let ended = 0;
    hooks.trafficFromClient.tap(large, (batch) =>
      batch.large?.read(async (body) => {
        begun++;
        try {
          for await (const piece of body) void piece;
        } finally {
          ended++;
        }
      }),
    );
    await using gateway = await start();
    for (let client = 0; client < 5; client++) {
      using leaving = await WireClient.open(gateway.port);
      const bytes = query(`select '${value}'`);
      leaving.socket.write(bytes.subarray(0, 1024 * 1024));
      await until(() => begun === client + 1);
      leaving.socket.resetAndDestroy();
      await until(() => ended === client + 1);
    }
    expect(owner.errors).to.deep.equal([]);
    await until(() => gateway.log.filter(({ msg }) => msg === 'session over').length === 5);
  });
});
