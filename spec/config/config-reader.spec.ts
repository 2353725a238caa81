import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { ConfigReader } from '../../lib/config/config-reader.ts';
import { caught } from '../support/caught.ts';

describe('reading the configuration again', () => {
  let folder: string;
  let configFile: string;
  let pluginConfigFile: string;
  let environment: Record<string, string>;
  let reader: ConfigReader;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'gatewayd-reader-'));
    configFile = path.join(folder, 'gatewayd.yaml');
    pluginConfigFile = path.join(folder, 'gatewayd_plugins.yaml');
    environment = { GATEWAYD_PLUGIN_HOST_HANG_TIMEOUT: '7s', HOME: '/nowhere' };
    reader = new ConfigReader({ configFile, pluginConfigFile, environment });
    await writeFile(configFile, 'pluginHost: { verify: off }\n');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('gives the same one for as long as its files and variables say the same', async () => {
    const first = await reader.load();
    // Written anew, and something else in the environment: nothing of it has changed.
    await writeFile(configFile, 'pluginHost: { verify: off }\n');
    environment['HOME'] = '/elsewhere';
    expect(await reader.load()).to.equal(first);
  });

  it('gives another one when a file, or what a variable says, has changed, or a file has come or gone', async () => {
    const changes: [() => Promise<void>, (loaded: Awaited<ReturnType<ConfigReader['load']>>) => unknown, unknown][] = [
      // As long as before, and within the same tick of the file system's clock.
      [() => writeFile(configFile, 'pluginHost: { verify: pin }\n'), ({ config }) => config.pluginHost.verify, 'pin'],
      [
        async () => void (environment['GATEWAYD_PLUGIN_HOST_HANG_TIMEOUT'] = '9s'),
        ({ config }) => config.pluginHost.hangTimeout,
        '9s',
      ],
      [() => writeFile(pluginConfigFile, 'plugins: []\n'), (loaded) => loaded.pluginConfigFile, pluginConfigFile],
      [() => rm(configFile), (loaded) => loaded.configFile, null],
    ];
    let before = await reader.load();
    for (const [change, read, expected] of changes) {
      await change();
      const now = await reader.load();
      expect(now).to.not.equal(before);
      expect(read(now)).to.equal(expected);
      before = now;
    }
  });

  it('says what is wrong each time, and takes what is right again', async () => {
    const first = await reader.load();
    await writeFile(configFile, 'nonsense: 1\n');
    for (let time = 0; time < 2; time++) expect(await caught(reader.load())).to.have.property('code', 'CONFIG_INVALID');
    await writeFile(configFile, 'pluginHost: { verify: off }\n');
    expect((await reader.load()).config).to.deep.equal(first.config);
  });
});
