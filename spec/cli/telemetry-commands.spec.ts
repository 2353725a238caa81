import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';
import { Folder, gatewayd } from '../support/launch.ts';

const plugins = {
  'plugins/hello-world.js': "export default { version: '4.5.6', apply() { setInterval(() => {}, 1e6); } };\n",
};

describe('gatewayd telemetry', () => {
  it('show prints the report with every plugin, and trusts none for it', async () => {
    using folder = new Folder(plugins);
    const { code, stdout, stderr } = await gatewayd(['telemetry', 'show'], { cwd: folder.path });
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(stdout).to.contain('localhost:59091').and.contain('"hello-world"').and.contain('"4.5.6"');
    expect(stdout).to.contain('"dev_mode": false');
    expect(existsSync(folder.at('plugins.lock'))).to.equal(false);
  });

  it('show says what turns the report off', async () => {
    using folder = new Folder(plugins);
    const environment = cleanEnvironment({ DO_NOT_TRACK: '1' });
    const [tracked, flagged, dev] = await Promise.all([
      gatewayd(['telemetry', 'show'], { cwd: folder.path, environment }),
      gatewayd(['telemetry', 'show', '--usage-report=false'], { cwd: folder.path }),
      gatewayd(['telemetry', 'show', '--dev'], { cwd: folder.path }),
    ]);
    expect(tracked.stdout).to.contain('DO_NOT_TRACK');
    expect(flagged.stdout).to.contain('--usage-report=false');
    expect(dev.stdout).to.contain('"dev_mode": true');
  });

  it('show says that nothing is sent when telemetry itself is not well', async () => {
    const config = 'plugins: [{ name: telemetry, config: { usageReport: { enabld: false } } }]\n';
    using folder = new Folder({ 'gatewayd.yaml': config });
    const { stdout } = await gatewayd(['telemetry', 'show'], { cwd: folder.path });
    expect(stdout).to.match(/^Usage report: no \(.*PLUGIN_BAD_CONFIG\)$/m);
  });

  it('receive prints what a gateway reports, as a line of JSON', async () => {
    using folder = new Folder({
      ...plugins,
      'gatewayd.yaml': [
        'clients: { default: { writes: { address: 127.0.0.1:1 } } }',
        'servers: { default: { address: 127.0.0.1:0 } }',
        'plugins: [{ name: telemetry, config: { usageReport: { address: ADDRESS } } }]',
        '',
      ].join('\n'),
    });
    await using receiver = new GatewayDProcess(['telemetry', 'receive', '--address', '127.0.0.1:0']);
    const address = await listening(receiver);
    await using gateway = await GatewayDProcess.start(['run'], {
      cwd: folder.path,
      environment: cleanEnvironment({ GATEWAYD_PLUGINS_TELEMETRY_CONFIG_USAGE_REPORT_ADDRESS: address }),
    });
    const report = await receiver.line((line) => line['service'] === 'gatewayd');
    expect(JSON.stringify(report)).to.contain('"hello-world"');
    expect(await gateway.stop()).to.include({ code: 0 });
    expect(await receiver.stop('SIGINT')).to.deep.equal({ code: 0, signal: null });
  });

  it('receive ends with 5 when its address is taken', async () => {
    await using receiver = new GatewayDProcess(['telemetry', 'receive', '--address', '127.0.0.1:0']);
    const address = await listening(receiver);
    const { code, stderr } = await gatewayd(['telemetry', 'receive', '--address', address]);
    expect(code).to.equal(5);
    expect(stderr).to.contain('(RECEIVER_CANNOT_LISTEN)');
  });
});

async function listening(receiver: GatewayDProcess): Promise<string> {
  for (;;) {
    const found = receiver.text
      .map((line) => / on (\S+:\d+);/.exec(line)?.[1])
      .find((address) => address !== undefined);
    if (found !== undefined) return found;
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

describe('a command that fails in a way that is not meant to happen', () => {
  it('is reported to the Sentry DSN of the configuration, unless it is told not to', async () => {
    const bodies: string[] = [];
    const ingest = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        bodies.push(body);
        response.end('{}');
      });
    }).listen(0, '127.0.0.1');
    await once(ingest, 'listening');
    const { port } = ingest.address() as AddressInfo;
    using folder = new Folder({
      'gatewayd.yaml': `plugins: [{ name: telemetry, config: { sentry: { dsn: 'http://key@127.0.0.1:${port}/1' } } }]\n`,
    });
    // No folder for temporary files: nobody thought of that.
    const environment = cleanEnvironment({ TMPDIR: folder.at('missing') });
    const told = await gatewayd(['telemetry', 'show', '--sentry=false'], { cwd: folder.path, environment });
    expect(told.code).to.equal(1);
    expect(bodies).to.deep.equal([]);
    const { code, stderr } = await gatewayd(['telemetry', 'show'], { cwd: folder.path, environment });
    ingest.close();
    expect(code).to.equal(1);
    expect(stderr).to.contain('not meant to happen').and.contain('ENOENT');
    expect(bodies.join('')).to.contain('"exception"');
    expect(bodies.join('')).not.to.contain('missing');
  });
});
