import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { GatewayDProcess } from '../support/gatewayd-process.ts';

describe('stopping with a plugin that holds on', function () {
  this.timeout(60_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-stop-'));
    mkdirSync(path.join(folder, 'plugins'));
    writeFileSync(
      path.join(folder, 'plugins/clinging.js'),
      `export default {
  version: '1.0.0',
  apply(host) {
    host.hooks.signal.tapPromise('clinging', () => new Promise(() => {}));
  },
};
`,
    );
    writeFileSync(
      path.join(folder, 'gatewayd.yaml'),
      'clients: { default: { writes: { address: 127.0.0.1:1 } } }\nservers: { default: { address: 127.0.0.1:0 } }\n',
    );
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('goes on without it after a moment, and names the hook', async () => {
    const config = path.join(folder, 'gatewayd.yaml');
    await using gateway = await GatewayDProcess.start(['run', '-c', config, '--usage-report=false']);
    expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
    expect(gateway.lines.some(({ hook, level }) => hook === 'signal' && level === 'warn')).to.equal(true);
  });
});
