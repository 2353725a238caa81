import { createServer as createHttpServer } from 'node:http';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { PluginHost } from '../../lib/plugin/host.ts';
import { PluginBed } from '../support/plugins.ts';

/** A plugin whose tap of `signal` does this; `given` is what the spec hands over. */
const tapping = (body: string): string =>
  `import net from 'node:net'; import http from 'node:http'; import dgram from 'node:dgram';
import { setTimeout as delay, setInterval as ticks } from 'node:timers/promises';
export default { version: '1.0.0', apply(host) { host.hooks.signal.tap('starts', async () => {
  const given = globalThis.given;
  ${body}
}); } };
`;

const started = async (host: PluginHost): Promise<void> => host.hooks.signal.promise({ signal: 'SIGHUP' });
/** How many of them hold the process. */
const running = (kind: string): number => process.getActiveResourcesInfo().filter((what) => what === kind).length;
const kinds = ['Timeout', 'TCPServerWrap', 'UDPSocketWrap'] as const;

/** What a plugin with this tap is said to have left: the messages. */
async function leftBy(body: string): Promise<string[]> {
  await using bed = new PluginBed();
  bed.write('untidy.js', tapping(body));
  const host = await bed.load();
  await started(host);
  await delay(5);
  await host.deactivate();
  return bed.log.filter(({ code }) => String(code).startsWith('PLUGIN_LEFT')).map(({ msg }) => msg);
}

describe('what a plugin starts in a tap and does not end', () => {
  let accepting: ReturnType<typeof createServer>;

  before(async () => {
    accepting = createServer((peer) => peer.on('error', () => {}).resume()).listen(0, '127.0.0.1');
    await once(accepting, 'listening');
    Object.assign(globalThis, { given: { port: (accepting.address() as AddressInfo).port } });
  });
  after(() => accepting.close());

  for (const [what, body, said] of [
    ['an interval', 'setInterval(() => {}, 1_000);', /left a timer .*untidy\.js:5:3 \(hook signal\)/],
    ['a timeout', 'setTimeout(() => {}, 3_600_000).unref();', /left a timer .*untidy\.js:5:3 \(hook signal\)/],
    ['what a timer starts', 'setTimeout(() => setInterval(() => {}, 500), 1);', /a timer .*untidy\.js:5:20 \(hook s/],
    ['what is started after a wait', 'await null; setInterval(() => {}, 500);', /a timer .*untidy\.js:5:15 \(hook s/],
    ['a promise of a timer', 'void delay(3_600_000);', /left a timer .*untidy\.js:5:8 \(hook signal\)/],
    [
      'an endless walk',
      'void (async () => { for await (const _ of ticks(900)); })();',
      /left a timer .*untidy\.js:5:\d+ \(hook/,
    ],
    [
      'immediates without end',
      'const again = () => setImmediate(again); again();',
      /a timer .*untidy\.js:5:23 \(hook signal\)/,
    ],
    ['a server', 'net.createServer().listen(0);', /left a server open .*untidy\.js:5:\d+ \(hook signal\)/],
    [
      'a server at an address',
      "net.createServer().listen(0, '127.0.0.1');",
      /left a server open .*(untidy\.js:5|127\.0\.0\.1):\d+ \(hook signal\)/,
    ],
    ['an HTTP server', 'http.createServer().listen(0);', /left a server open .*untidy\.js:5:\d+ \(hook signal\)/],
    [
      'a connection',
      "net.connect(given.port, '127.0.0.1').on('error', () => {});",
      /left a socket open .*untidy\.js:5:\d+ \(hook signal\)/,
    ],
    [
      'a datagram socket',
      "dgram.createSocket('udp4').bind(0);",
      /left a socket open .*untidy\.js:5:\d+ \(hook signal\)/,
    ],
  ] as const) {
    it(`is named at stop, with hook and line: ${what}`, async () => {
      const messages = await leftBy(body);
      expect(messages).to.have.length(1);
      expect(messages[0]).to.match(said);
    });
  }

  for (const [what, body] of [
    [
      'timers that fired or were cleared',
      'setTimeout(() => {}, 1); clearInterval(setInterval(() => {}, 9)); setImmediate(() => {});',
    ],
    ['a server that was closed', 'net.createServer().listen(0).close();'],
    ['a connection that was ended', "net.connect(given.port, '127.0.0.1').on('error', () => {}).end();"],
    ['a datagram socket that was closed', "dgram.createSocket('udp4').bind(0).close();"],
  ] as const) {
    it(`is not said of ${what}`, async () => {
      expect(await leftBy(body)).to.deep.equal([]);
    });
  }

  it('is not what Node keeps for all plugins: the timers and sockets of their requests', async () => {
    const server = createHttpServer(() => {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    Object.assign(globalThis, { given: { url, port: (accepting.address() as AddressInfo).port } });
    try {
      const messages = await leftBy(
        'void fetch(given.url).catch(() => {}); http.get(given.url).on("error", () => {});',
      );
      expect(messages).to.deep.equal([]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('does not pile up: what a plugin left in each of 100 generations has been ended', async () => {
    await using bed = new PluginBed();
    bed.write(
      'untidy.js',
      tapping("setInterval(() => {}, 1_000); net.createServer().listen(0); dgram.createSocket('udp4').bind(0);"),
    );
    let host = await bed.load();
    await started(host);
    const before = kinds.map(running);
    for (let generation = 2; generation <= 100; generation++) {
      const next = new PluginHost(bed.options({ generation }), { host });
      await next.load();
      await host.deactivate(new Set(['untidy']));
      host = next;
      await started(host);
    }
    for (const [index, kind] of kinds.entries()) expect(running(kind), kind).to.be.at.most((before[index] ?? 0) + 2);
    await host.deactivate();
    expect(bed.logged('PLUGIN_LEFT_TIMER')).to.have.length(100);
    expect(bed.logged('PLUGIN_LEFT_OPEN')).to.have.length(200);
    expect(bed.logged('PLUGIN_LEFT_TIMER').at(-1)?.msg).to.match(/untidy\.js:5:3 \(hook signal\)/);
  });

  it('keeps hold of nothing that has ended, however much a tap starts', async () => {
    await using bed = new PluginBed();
    bed.write(
      'busy.js',
      tapping(
        'for (let count = 0; count < 2_000; count++) clearTimeout(setTimeout(() => {}, 60_000)); setInterval(() => {}, 900);',
      ),
    );
    const host = await bed.load();
    for (let call = 0; call < 20; call++) await started(host);
    await host.deactivate();
    expect(bed.logged('PLUGIN_LEFT_TIMER').map(({ msg }) => msg)).to.have.length(1);
    expect(bed.logged('PLUGIN_LEFT_TIMER')[0]?.msg).to.match(/left 20 timers/);
  });

  for (const count of [63, 64, 128]) {
    it(`is the server that comes behind so many timers, too: ${count}`, async () => {
      const messages = await leftBy(
        `for (let count = 0; count < ${count}; count++) setInterval(() => {}, 900); net.createServer().listen(0);`,
      );
      expect(messages).to.have.length(2);
      expect(messages[0]).to.include(`left ${count} timers`);
      expect(messages[1]).to.include('left a server open');
    });
  }

  it('is ended for a client of it, too', async () => {
    await using bed = new PluginBed();
    bed.write(
      'untidy.js',
      tapping(
        "const server = http.createServer((_, answer) => answer.write('x')).listen(0, '127.0.0.1', () => { given.served = server.address().port; });",
      ),
    );
    const given = { served: 0 };
    Object.assign(globalThis, { given });
    const host = await bed.load();
    await started(host);
    while (given.served === 0) await turn();
    const client = connect(given.served, '127.0.0.1').on('error', () => {});
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(client, 'data');
    await host.deactivate();
    client.resume();
    await once(client, 'close');
    expect(bed.logged('PLUGIN_LEFT_OPEN')).to.have.length(1);
  });
});
