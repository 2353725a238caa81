import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';

describe('a plugin that changes the configuration', function () {
  this.timeout(60_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-config-loaded-'));
    mkdirSync(path.join(folder, 'plugins'));
    writeFileSync(
      path.join(folder, 'plugins/changing.js'),
      `export default {
  version: '1.0.0',
  apply(host) {
    host.hooks.configLoaded.tap('changing', (config) => ({
      ...config,
      clients: { default: { writes: { ...config.clients.default.writes, address: '127.0.0.1:1' } } },
      loggers: { default: { ...config.loggers.default, level: 'warn' } },
    }));
  },
};
`,
    );
    writeFileSync(
      path.join(folder, 'gatewayd.yaml'),
      'clients: { default: { writes: { address: embedded } } }\nservers: { default: { address: 127.0.0.1:0 } }\n',
    );
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('has the gateway built from what it returned', async () => {
    const config = path.join(folder, 'gatewayd.yaml');
    const environment = cleanEnvironment();
    await using gateway = new GatewayDProcess(['run', '-c', config, '--usage-report=false'], { environment });
    await gateway.line(({ msg }) => msg === 'plugin loaded');
    gateway.kill('SIGTERM');
    expect(await gateway.exited).to.deep.equal({ code: 0, signal: null });
    // `ready`, `stopping` and `stopped` are of level info, which it turned off.
    expect(gateway.lines.filter(({ msg }) => /^(?:ready|stopped)/.test(msg))).to.deep.equal([]);
  });
});
