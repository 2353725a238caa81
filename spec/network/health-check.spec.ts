import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { message, startup, WireClient } from '../support/wire-client.ts';

/** What stands in for a database: logs everybody in and says its name. */
class Stand {
  readonly name: string;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  port = 0;
  checks = 0;

  constructor(name: string) {
    this.name = name;
  }

  async listen(): Promise<this> {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket.on('error', () => undefined));
      socket.once('data', (chunk: Buffer) => {
        if (chunk.length === 8) {
          this.checks += 1;
          socket.write('N');
          return;
        }
        const parameter = message('S', `stand\0${this.name}\0`);
        socket.write(Buffer.concat([message('R', Buffer.alloc(4)), parameter, message('Z', 'I')]));
      });
    }).listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  close(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }
}

describe('health checks', () => {
  let stands: [Stand, Stand];

  beforeEach(async () => {
    stands = [await new Stand('one').listen(), await new Stand('two').listen()];
  });
  afterEach(() => stands.forEach((stand) => stand.close()));

  const start = (): Promise<SpecGateway> => {
    const block = ({ port }: Stand): object => ({ address: `127.0.0.1:${port}`, retries: 0 });
    const proxy = { healthCheckPeriod: '30ms' };
    return startGateway({
      database: { network: 'tcp', address: '127.0.0.1:1' },
      sections: {
        clients: { default: { one: block(stands[0]), two: block(stands[1]) } },
        proxies: { default: { one: proxy, two: proxy } },
        pools: {},
      },
    });
  };
  async function servedBy(gateway: SpecGateway): Promise<string> {
    using client = await WireClient.connect(gateway.port);
    client.send(startup());
    const parameter = (await client.until('Z')).find(({ type }) => type === 'S');
    return parameter?.body.toString().split('\0')[1] ?? '';
  }
  const said = ({ log }: SpecGateway, text: string): boolean => log.some(({ msg }) => msg.startsWith(text));

  it('notice that a database is gone before a client does, and that it is back', async () => {
    await using gateway = await start();
    expect(new Set([await servedBy(gateway), await servedBy(gateway)])).to.deep.equal(new Set(['one', 'two']));
    stands[0].close();
    await until(() => said(gateway, 'the database cannot be reached'));
    for (let round = 0; round < 4; round += 1) expect(await servedBy(gateway)).to.equal('two');
    expect(gateway.log.filter(({ level }) => level > 30)).to.have.length(1);
    await stands[0].listen();
    await until(() => said(gateway, 'the database can be reached again'));
    expect(new Set([await servedBy(gateway), await servedBy(gateway)])).to.deep.equal(new Set(['one', 'two']));
  });

  it('leave sessions alone, and end with the gateway', async () => {
    const gateway = await start();
    using client = await WireClient.connect(gateway.port);
    client.send(startup());
    await client.until('Z');
    const { checks } = stands[1];
    await until(() => stands[1].checks > checks + 2);
    expect(client.socket.destroyed).to.equal(false);
    await gateway[Symbol.asyncDispose]();
    const after = stands[0].checks + stands[1].checks;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(stands[0].checks + stands[1].checks).to.equal(after);
  });

  it('find a real PostgreSQL well, also one on a Unix socket', async () => {
    const { network, address } = await sharedPostgres();
    const proxy = { healthCheckPeriod: '20ms' };
    await using gateway = await startGateway({
      database: { network, address },
      sections: {
        clients: { default: { real: { network, address }, stand: { address: `127.0.0.1:${stands[0].port}` } } },
        proxies: { default: { real: proxy, stand: proxy } },
        pools: {},
      },
    });
    await until(() => stands[0].checks > 5);
    expect(gateway.log.filter(({ level }) => level > 30)).to.deep.equal([]);
  });
});
