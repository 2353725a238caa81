import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { loadConfig } from '../../lib/config/load.ts';
import { caught } from '../support/caught.ts';
import { errorsOf, lintFrom, loadFrom } from '../support/config-files.ts';

describe('loading the configuration', () => {
  it('applies the defaults where there is no file, and says so', async () => {
    const { config, configFile, pluginConfigFile, directory, warnings } = await loadFrom({});
    expect(config.clients['default']?.['writes']?.address).to.equal('localhost:5432');
    expect(config.servers['default']?.address).to.equal('0.0.0.0:15432');
    expect({ configFile, pluginConfigFile, directory }).to.deep.equal({
      configFile: null,
      pluginConfigFile: null,
      directory: process.cwd(),
    });
    expect(warnings.map(({ reason }) => reason)).to.deep.equal(['there is no such file, so the defaults apply']);
  });

  it('refuses a file that was asked for and is not there', async () => {
    const main = await errorsOf({ configFileGiven: true });
    const plugins = await errorsOf({ yaml: '', pluginConfigFileGiven: true });
    expect(path.basename(main[0]?.file ?? '')).to.equal('gatewayd.yaml');
    expect(path.basename(plugins[0]?.file ?? '')).to.equal('gatewayd_plugins.yaml');
    expect(plugins.map(({ reason }) => reason)).to.deep.equal(['there is no such file']);
    const [{ file, reason } = { file: '', reason: '' }] = main;
    expect(reason).to.equal(`there is no such file; \`gatewayd config init -c ${file}\` writes one`);
  });

  it('knows which files it read, and the folder that paths are relative to', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'gatewayd-load-'));
    const configFile = path.join(folder, 'mine.yaml');
    await writeFile(configFile, '');
    try {
      const loaded = await loadConfig({ configFile: path.relative('.', configFile), environment: {} });
      expect(loaded).to.include({ configFile, pluginConfigFile: null, directory: folder });
      expect(loaded.warnings).to.deep.equal([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses a folder in place of a file', async () => {
    const error = await caught(loadConfig({ configFile: os.tmpdir(), environment: {} }));
    expect(error).to.have.property('code', 'CONFIG_INVALID');
    expect(error.message).to.contain('is a folder, not a file');
  });

  const unreadable: [string, Uint8Array, RegExp][] = [
    ['is not UTF-8', Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]), /is not UTF-8 text/],
    ['is too large', Buffer.alloc(1024 * 1024 + 1, '#'), /larger than 1 MiB/],
  ];
  for (const [what, yaml, reason] of unreadable) {
    it(`refuses a file that ${what}`, async () => {
      const [issue] = await errorsOf({ yaml });
      expect(issue?.reason).to.match(reason);
    });
  }

  it('takes a file with a byte order mark', async () => {
    const { config } = await loadFrom({ yaml: '\uFEFFpluginHost: { verify: off }' });
    expect(config.pluginHost.verify).to.equal('off');
  });

  it('freezes the configuration all through', async () => {
    const { config } = await loadFrom({ yaml: 'plugins: [{ name: a, config: { b: [{ c: 1 }] } }]' });
    const unfrozen: unknown[] = [];
    const look = (value: unknown) => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) unfrozen.push(value);
      Object.values(value).forEach(look);
    };
    look(config);
    expect(unfrozen).to.deep.equal([]);
  });

  it('writes durations given as integers, which are nanoseconds, as text', async () => {
    const { config } = await loadFrom({ yaml: 'servers: { default: { tickInterval: 90000000000, drainTimeout: 0 } }' });
    expect(config.servers['default']).to.include({ tickInterval: '1m30s', drainTimeout: '0s' });
  });

  it('warns of a duration that most likely lacks its unit', async () => {
    const [issue] = await lintFrom({ yaml: 'servers: { default: { drainTimeout: 30 } }' });
    expect(issue).to.include({ severity: 'warning', path: 'servers.default.drainTimeout', line: 1, column: 37 });
    expect(issue?.reason).to.contain('30 nanoseconds').and.contain('30s');
  });

  describe('groups and blocks', () => {
    it('are default and writes where a section is missing or empty', async () => {
      const { config } = await loadFrom({ yaml: 'clients:\nservers:\nplugins:\npluginHost:\n' });
      expect(Object.keys(config.clients)).to.deep.equal(['default']);
      for (const section of [config.clients, config.pools, config.proxies]) {
        expect(Object.keys(section['default'] ?? {})).to.deep.equal(['writes']);
      }
      for (const section of [config.servers, config.loggers, config.metrics]) {
        expect(Object.keys(section)).to.deep.equal(['default']);
      }
    });

    it('of pools and proxies are added for each database', async () => {
      const yaml = `
clients: { default: { reads: {}, writes: {} }, other: { writes: {} } }
servers: { default: {}, other: { address: localhost:2 } }
pools: { default: { writes: { size: 3 } } }`;
      const { config, warnings } = await loadFrom({ yaml });
      expect(config.pools['default']?.['writes']?.size).to.equal(3);
      expect(config.pools['default']?.['reads']).to.include({ size: 10, acquireTimeout: '30s', queueSize: 1000 });
      expect(config.proxies['other']?.['writes']).to.deep.equal({ healthCheckPeriod: '60s' });
      expect(warnings).to.deep.equal([]);
    });

    it('without anything in them have all their defaults', async () => {
      const { config } = await loadFrom({ yaml: 'clients:\n  default:\n    writes:\nservers:\n  default:\n' });
      expect(config.clients['default']?.['writes']?.retries).to.equal(3);
      expect(config.servers['default']?.loginTimeout).to.equal('60s');
    });

    it('of another name get a server of that name where none is given', async () => {
      const { config } = await loadFrom({ yaml: 'clients: { mine: { writes: { address: embedded } } }' });
      expect(Object.keys(config.servers)).to.deep.equal(['mine']);
    });

    it('of loggers always have the one that gatewayd writes to', async () => {
      const { config } = await loadFrom({ yaml: 'loggers: { mine: { level: debug } }' });
      expect(config.loggers['default']?.level).to.equal('info');
      expect(config.loggers['mine']?.level).to.equal('debug');
    });
  });

  it("leaves what is in a plugin's own config as it was written", async () => {
    const yaml = 'plugins: [{ name: a, config: { nothing: null, list: [null, 1], deep: { also: null } } }]';
    const { config } = await loadFrom({ yaml });
    expect(config.plugins[0]?.config).to.deep.equal({ nothing: null, list: [null, 1], deep: { also: null } });
  });

  for (const address of ['embedded', 'embedded:./data', 'db.example:5432', '[::1]:5432', ':5432', '10.0.0.1:1']) {
    it(`takes ${address} for the address of a database`, async () => {
      const { config } = await loadFrom({ yaml: `clients: { default: { writes: { address: '${address}' } } }` });
      expect(config.clients['default']?.['writes']?.address).to.equal(address);
    });
  }

  it('takes any path for the address of a Unix socket', async () => {
    const yaml = 'clients: { default: { writes: { network: unix, address: /run/postgresql/.s.PGSQL.5432 } } }';
    expect((await loadFrom({ yaml })).warnings).to.deep.equal([]);
  });
});

describe("GatewayD's plugins file", () => {
  const plugins = `
compatibilityPolicy: strict
enableMetricsMerger: True
metricsMergerPeriod: 5s
healthCheckPeriod: 5s
reloadOnCrash: True
timeout: 12s
startTimeout: 1m
defaultPolicy: passthrough
policyTimeout: 30s
actionTimeout: 30s
actionRedis: { enabled: false, address: localhost:6379, channel: gatewayd-actions }
policies: []
plugins:
  - name: gatewayd-plugin-cache
    enabled: True
    url: ''
    localPath: ''
    args: []
    env: []
    checksum: a0b62927f8330638a2b9a36d843580b784b927a12addb76eabb25d0cec7c6b57
`;

  it('is read as GatewayD writes it', async () => {
    const { config, warnings, pluginConfigFile } = await loadFrom({ yaml: '', plugins });
    expect(config.pluginHost.timeout).to.equal('12s');
    expect(config.plugins.map(({ name }) => name)).to.deep.equal(['gatewayd-plugin-cache']);
    expect(pluginConfigFile).to.match(/gatewayd_plugins\.yaml$/);
    expect(warnings.map(({ path: key, reason }) => `${key} ${reason}`)).to.deep.equal([
      'compatibilityPolicy is ignored: it has no meaning any more',
    ]);
  });

  it('gives way to gatewayd.yaml, row by row and key by key, with a warning each', async () => {
    const yaml = 'pluginHost: { timeout: 1s }\nplugins: [{ name: a, onError: refuse }]';
    const both = {
      yaml,
      plugins: 'timeout: 2s\nstartTimeout: 2s\nplugins: [{ name: a, enabled: false }, { name: b }]',
    };
    const { config } = await loadFrom(both);
    expect(config.pluginHost).to.include({ timeout: '1s', startTimeout: '2s' });
    expect(config.plugins.map(({ name, enabled, onError }) => [name, enabled, onError])).to.deep.equal([
      ['a', true, 'refuse'],
      ['b', true, 'skip'],
    ]);
    const ignored = (await lintFrom(both)).filter(({ reason }) => reason.startsWith('is ignored'));
    expect(ignored.map(({ file, line, column, path: key }) => [file, line, column, key])).to.deep.equal([
      ['gatewayd_plugins.yaml', 1, 1, 'timeout'],
      ['gatewayd_plugins.yaml', 3, 11, 'plugins[0]'],
    ]);
  });

  it('has its mistakes found in its own lines', async () => {
    const issues = await lintFrom({
      yaml: 'plugins: [{ name: a }]',
      plugins: 'timout: 1s\nplugins:\n  - name: b\n    enabled: maybe\n  - nam: c\n',
    });
    expect(issues.map(({ file, line, column, nearest }) => [file, line, column, nearest])).to.deep.equal([
      ['gatewayd_plugins.yaml', 1, 1, 'timeout'],
      ['gatewayd_plugins.yaml', 4, 14, undefined],
      ['gatewayd_plugins.yaml', 5, 5, undefined],
      ['gatewayd_plugins.yaml', 5, 5, 'name'],
    ]);
  });

  it('whose plugins are no list is refused', async () => {
    const [issue] = await errorsOf({ yaml: '', plugins: 'plugins: { a: 1 }' });
    expect(issue).to.include({ path: 'plugins', reason: 'must be a list', line: 1 });
  });
});
