import dns from 'node:dns';
import { expect } from 'chai';
import { resolveAddresses } from '../../plugins/telemetry/resolve.ts';
import { NameServer } from '../support/name-server.ts';

const ipv6 = Buffer.from('20010db8000000000000000000000001', 'hex');

describe("telemetry's look-ups", () => {
  let server: NameServer;
  let life: AbortController;

  beforeEach(() => {
    life = new AbortController();
  });

  afterEach(() => server.close());

  async function look(host: string, answers: ReadonlyMap<string, Buffer> | null): Promise<string[]> {
    server = new NameServer(answers);
    const nameServers = [await server.listen()];
    return resolveAddresses(host, { signal: life.signal, nameServers });
  }

  it('give the addresses of both families', async () => {
    const answers = new Map([
      ['collector.test/1', Buffer.from([192, 0, 2, 7])],
      ['collector.test/28', ipv6],
    ]);
    expect(await look('collector.test', answers)).to.deep.equal(['192.0.2.7', '2001:db8::1']);
  });

  it('give what there is when one family has no address', async () => {
    expect(await look('collector.test', new Map([['collector.test/28', ipv6]]))).to.deep.equal(['2001:db8::1']);
  });

  it('give nothing for a name that has no address', async () => {
    expect(await look('collector.test', new Map())).to.deep.equal([]);
  });

  for (const [host, addresses] of [
    ['192.0.2.7', ['192.0.2.7']],
    ['2001:db8::1', ['2001:db8::1']],
    ['localhost', ['127.0.0.1', '::1']],
    ['LOCALHOST.', ['127.0.0.1', '::1']],
    ['collector.localhost', ['127.0.0.1', '::1']],
  ] as const) {
    it(`ask nobody about ${host}`, async () => {
      expect(await look(host, null)).to.deep.equal(addresses);
      expect(server.questions).to.deep.equal([]);
    });
  }

  it('end at once when told to, answered or not', async () => {
    server = new NameServer(null);
    const nameServers = [await server.listen()];
    const asked = server.asked();
    const looking = resolveAddresses('silent.test', { signal: life.signal, nameServers });
    await asked;
    life.abort();
    expect(await looking).to.deep.equal([]);
    expect(new Set(server.questions)).to.deep.equal(new Set(['silent.test/1', 'silent.test/28']));
    expect(server.questions).to.have.length(2);
  });

  it('do not begin after they were told to end', async () => {
    life.abort();
    expect(await look('silent.test', null)).to.deep.equal([]);
    expect(server.questions).to.deep.equal([]);
  });

  it('never call dns.lookup', async () => {
    server = new NameServer(new Map());
    const nameServers = [await server.listen()];
    const { lookup } = dns;
    let called = 0;
    dns.lookup = ((...given: Parameters<typeof lookup>) => {
      called += 1;
      lookup(...given);
    }) as typeof lookup;
    try {
      await resolveAddresses('collector.test', { signal: life.signal, nameServers });
      await resolveAddresses('localhost', { signal: life.signal, nameServers });
    } finally {
      dns.lookup = lookup;
    }
    expect(server.questions).to.have.length(2);
    expect(called).to.equal(0);
  });
});
