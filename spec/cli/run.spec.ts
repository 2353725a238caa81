import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect } from 'chai';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';
import { Folder, gatewayd } from '../support/launch.ts';

const config = [
  'clients: { default: { writes: { address: 127.0.0.1:1 } } }', // nobody there; listening does not need the database
  'servers: { default: { address: 127.0.0.1:0 } }',
  '',
].join('\n');
const quiet = ['--usage-report=false', '--sentry=false'];

/** Something that keeps a plugin of this name busy for ever at stop. */
const lingering = `export default {
  version: '1.0.0',
  apply(host) {
    host.hooks.shutdown.tapPromise('linger', () => new Promise(() => {}));
  },
};
`;

describe('gatewayd run', () => {
  it('logs JSON lines where nobody reads along, and ends with 0 when it is asked to stop', async () => {
    using folder = new Folder({ 'gatewayd.yaml': config });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      await using gateway = await GatewayDProcess.start(['run', ...quiet], { cwd: folder.path });
      const socket = connect(gateway.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
      const ready = await gateway.line((line) => line.msg === 'ready');
      expect(ready).to.have.nested.property('telemetry.usageReport.why', 'turned off by --usage-report=false');
      const ended = await gateway.stop(signal);
      expect(ended).to.deep.equal({ code: 0, signal: null });
      expect(gateway.text).to.deep.equal([]);
      expect(gateway.lines.every((line) => line.level === 'info')).to.equal(true, gateway.output());
      expect(gateway.lines.map((line) => line.msg)).to.include('stopped');
    }
  });

  it('ends at once when it is asked a second time', async () => {
    using folder = new Folder({ 'gatewayd.yaml': config, 'plugins/lingering.js': lingering });
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      await using gateway = await GatewayDProcess.start(['run', '--dev', ...quiet], { cwd: folder.path });
      gateway.kill(signal);
      await gateway.line((line) => line.msg.startsWith('stopping'));
      // What arrives within an instant is the same key press, passed on by npm.
      const again = setInterval(() => gateway.kill(signal), 50);
      const ended = await gateway.exited;
      clearInterval(again);
      expect(ended).to.deep.equal({ code, signal: null });
    }
  });

  it('says what is going to be reported before startup is fired', async () => {
    using folder = new Folder({
      'gatewayd.yaml': config,
      'plugins/early.js': `export default {
  version: '1.0.0',
  apply(host) {
    host.hooks.startup.tap('early', (event) => host.logger.info({ frozen: Object.isFrozen(event) && Object.isFrozen(event.plugins) }, 'startup'));
  },
};
`,
    });
    await using gateway = await GatewayDProcess.start(['run', ...quiet], { cwd: folder.path });
    const startup = await gateway.line((line) => line.msg === 'startup');
    expect(startup).to.include({ plugin: 'early', frozen: true });
    await gateway.stop();
    const said = gateway.lines.map((line) => line.msg).filter((msg) => msg === 'ready' || msg === 'startup');
    expect(said).to.deep.equal(['ready', 'startup']);
  });

  it('goes on after a SIGHUP', async () => {
    using folder = new Folder({ 'gatewayd.yaml': config });
    await using gateway = await GatewayDProcess.start(['run', ...quiet], { cwd: folder.path });
    gateway.kill('SIGHUP');
    const socket = connect(gateway.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
  });

  it('lists what is wrong in the configuration by file, line and column, and ends with 3', async () => {
    using folder = new Folder({ 'gatewayd.yaml': 'servers:\n  default:\n    adress: here\nspeed: fast\n' });
    const { code, stdout, stderr } = await gatewayd(['run'], { cwd: folder.path });
    expect(code).to.equal(3);
    expect(stdout).to.equal('');
    expect(stderr)
      .to.match(/^gatewayd\.yaml:3:5: .*address/m)
      .and.match(/^gatewayd\.yaml:4:1: /m);
  });

  it('ends with 3 when the file that was named is not there', async () => {
    const { code, stderr } = await gatewayd(['run', '-c', '/nowhere/gatewayd.yaml']);
    expect(code).to.equal(3);
    expect(stderr).to.contain('/nowhere/gatewayd.yaml');
  });

  it('logs what in the configuration has no effect, unless it is told not to', async () => {
    using folder = new Folder({ 'gatewayd.yaml': `${config}raft: {}\n` });
    for (const [flags, count] of [
      [[], 1],
      [['--lint=false'], 0],
    ] as const) {
      await using gateway = await GatewayDProcess.start(['run', ...quiet, ...flags], { cwd: folder.path });
      await gateway.stop();
      const warnings = gateway.lines.filter((line) => line.level === 'warn' && line.msg.includes('raft'));
      expect(warnings).to.have.length(count);
    }
  });

  it('says of --tracing that it is still to come', async () => {
    using folder = new Folder({ 'gatewayd.yaml': config });
    await using gateway = await GatewayDProcess.start(['run', '--tracing', ...quiet], { cwd: folder.path });
    await gateway.line((line) => line.level === 'warn' && line.msg.includes('--tracing'));
    await gateway.stop();
  });

  it('ends with 4 when a required plugin is not well', async () => {
    using folder = new Folder({
      'gatewayd.yaml': `${config}plugins: [{ name: guard, required: true }]\n`,
      'plugins/guard.js': 'export default {\n',
    });
    const { code, stderr } = await gatewayd(['run', ...quiet], { cwd: folder.path });
    expect(code).to.equal(4);
    expect(stderr).to.contain('guard').and.contain('(PLUGIN_REQUIRED_FAILED)');
  });

  it('ends with 5 when its address is taken, which the log says too', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    using folder = new Folder({ 'gatewayd.yaml': config.replace('127.0.0.1:0', `127.0.0.1:${port}`) });
    const { code, stdout, stderr } = await gatewayd(['run', ...quiet], { cwd: folder.path });
    other.close();
    expect(code).to.equal(5);
    expect(stderr).to.contain(`127.0.0.1:${port}`).and.contain('(NETWORK_ADDRESS_IN_USE)');
    expect(stdout.split('\n').find((line) => line.includes('NETWORK_ADDRESS_IN_USE'))).to.contain('"level":"fatal"');
  });

  it('lets a plugin keep its uncaught errors, and ends with 1 after any other', async () => {
    using folder = new Folder({
      'gatewayd.yaml': config,
      'plugins/careless.js': `export default {
  version: '1.0.0',
  apply(host) {
    host.hooks.startup.tap('careless', () => setTimeout(() => { throw new Error('careless'); }, 1));
  },
};
`,
      // Evaluated code has no file of a plugin's: it stands for a defect of ours.
      'defect.cjs': `process.on('SIGUSR2', () => setImmediate(() => { throw new Error('a defect'); }));\n`,
    });
    await using gateway = new GatewayDProcess(['run', ...quiet], {
      cwd: folder.path,
      environment: cleanEnvironment({ NODE_OPTIONS: `--require ${folder.at('defect.cjs')}` }),
    });
    await gateway.line((line) => line['plugin'] === 'careless' && line.level === 'error');
    gateway.kill('SIGUSR2');
    expect(await gateway.exited).to.deep.equal({ code: 1, signal: null });
    const last = gateway.lines.findLast((line) => line.level === 'fatal');
    expect(last).to.have.nested.property('err.message', 'a defect');
  });
});
