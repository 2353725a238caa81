import { expect } from 'chai';
import { command } from '../support/command.ts';

const modules = new URL('../../lib/', import.meta.url).href;

/** What is said of a Node.js whose inside was changed by this code, which knows the prototype of TCP handles as `inside`. */
async function saidOf(
  change: string,
): Promise<{ readonly works: boolean; readonly again: boolean; readonly said: readonly string[] }> {
  const script = `
    const inside = process.binding('tcp_wrap').TCP.prototype;
    ${change}
    const { directSocketsWork } = await import('${modules}network/direct-sockets-work.ts');
    const said = [];
    const logger = { warn: (fields, message) => said.push(message) };
    const works = await directSocketsWork(logger);
    console.log(JSON.stringify({ works, again: await directSocketsWork(logger), said }));
    process.exit();`;
  const { stdout, stderr } = await command(process.execPath, ['--import=tsx', '--input-type=module', '-e', script]);
  expect(stdout, stderr).not.to.equal('');
  return JSON.parse(stdout) as Awaited<ReturnType<typeof saidOf>>;
}

describe('whether sockets can be used below their streams', function () {
  this.timeout(20_000);

  it('is so on every Node.js we know', async () => {
    expect(await saidOf('')).to.deep.equal({ works: true, again: true, said: [] });
  });

  it('is so where somebody else connects to the trial first', async () => {
    const stranger = `
      const { Server, connect } = await import('node:net');
      const { listen } = Server.prototype;
      Server.prototype.listen = function (...where) {
        this.prependOnceListener('listening', () => {
          connect(this.address().port, '127.0.0.1').on('error', () => undefined);
          globalThis.somebodyCame = true;
        });
        return listen.apply(this, where);
      };`;
    const looked = `${stranger}
      process.on('exit', () => { if (!globalThis.somebodyCame) console.error('nobody'); });`;
    expect(await saidOf(looked)).to.deep.equal({ works: true, again: true, said: [] });
  });

  for (const [what, change] of [
    ['what is written there goes elsewhere', 'inside.writeBuffer = () => 0;'],
    [
      'what comes out is not what went in',
      `const { writeBuffer } = inside;
       inside.writeBuffer = function (request, bytes) {
         return writeBuffer.call(this, request, Buffer.from(bytes).fill(0, 0, 1));
       };`,
    ],
    ['what is read goes elsewhere', 'inside.useUserBuffer = () => {};'],
    [
      'nobody else can be told of what was read',
      `let { get } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Object.getPrototypeOf(inside)), 'onread')
         ?? Object.getOwnPropertyDescriptor(Object.getPrototypeOf(inside), 'onread');
       Object.defineProperty(inside, 'onread', { get() { return get.call(this); }, set() {} });`,
    ],
    [
      'what could not be written at once is said to be written',
      `Object.defineProperty(inside, 'writeQueueSize', { get: () => 0 });`,
    ],
    ['nobody answers over loopback', 'inside.connect = () => 0;'],
    ['it has no such way at all', 'inside.useUserBuffer = undefined;'],
  ] as const) {
    it(`is not so where ${what}, and is said once`, async () => {
      const { works, again, said } = await saidOf(change);
      expect([works, again]).to.deep.equal([false, false]);
      expect(said).to.have.length(1);
      expect(said[0]).to.match(/^sockets cannot be used below their streams here/);
    });
  }
});
