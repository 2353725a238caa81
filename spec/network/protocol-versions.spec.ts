import { expect } from 'chai';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { query, startup, WireClient, type WireMessage } from '../support/wire-client.ts';

/** Everything up to ReadyForQuery, for start-up bytes of this minor version and these options. */
async function begin(
  port: number,
  minor: number,
  options: Readonly<Record<string, string>> = {},
): Promise<{ messages: WireMessage[]; client: WireClient }> {
  const client = await WireClient.connect(port);
  client.send(startup(options, minor));
  return { messages: await client.until('Z'), client };
}

const ofType = (messages: readonly WireMessage[], type: string): string | null =>
  messages.find((one) => one.type === type)?.body.toString('latin1') ?? null;

describe('versions of the protocol', () => {
  let relayed: SpecGateway;
  let ahead: SpecGateway;

  before(async () => {
    const database = await sharedPostgres();
    relayed = await startGateway({ database });
    const startupParams = { user: 'postgres', database: 'postgres' };
    ahead = await startGateway({ database, client: { startupParams }, server: { auth: { method: 'trust' } } });
  });
  after(() => Promise.all([relayed[Symbol.asyncDispose](), ahead[Symbol.asyncDispose]()]));

  for (const [minor, options] of [
    [0, {}],
    [0, { '_pq_.unheard_of': 'on' }],
    [2, {}],
    [2, { '_pq_.one': '1', '_pq_.two': '' }],
    [3, {}],
    [9999, { '_pq_.test_protocol_negotiation': '' }],
  ] as const) {
    const names = Object.keys(options).join(', ') || 'no options';
    it(`are negotiated by gatewayd as by PostgreSQL for 3.${minor} with ${names}`, async () => {
      const [theirs, ours] = [await begin(relayed.port, minor, options), await begin(ahead.port, minor, options)];
      expect(ofType(ours.messages, 'v')).to.equal(ofType(theirs.messages, 'v'));
      expect(ofType(ours.messages, 'K')).to.have.length(ofType(theirs.messages, 'K')!.length);
      for (const { client } of [theirs, ours]) {
        client.send(query('select 1'));
        await client.until('Z');
        client.socket.destroy();
      }
    });
  }
});
