import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { PluginReport } from '../../lib/plugin/report.ts';
import { Folder, gatewayd } from '../support/launch.ts';

const tidy = "export default { version: '1.2.3', apply() {} };\n";
const config = "plugins: [{ name: 'sleeper', enabled: false }]\n";

function folderOf(files: Readonly<Record<string, string>>): Folder {
  return new Folder({ 'gatewayd.yaml': config, 'plugins/sleeper.js': tidy, ...files });
}

describe('gatewayd plugin', () => {
  it('list tells programs of every plugin, and runs none', async () => {
    const spy =
      "import { writeFileSync } from 'node:fs';\nwriteFileSync('it-ran', '');\nexport default { apply() {} };\n";
    using folder = folderOf({ 'plugins/tidy.js': tidy, 'plugins/spy.js': spy });
    const { code, stdout } = await gatewayd(['plugin', 'list', '--json'], { cwd: folder.path });
    expect(code).to.equal(0);
    const reports = JSON.parse(stdout) as PluginReport[];
    const found = Object.fromEntries(reports.map(({ name, state }) => [name, state]));
    expect(found).to.deep.equal({ telemetry: 'found', sleeper: 'disabled', tidy: 'found', spy: 'found' });
    const sum = createHash('sha256').update(tidy).digest('hex');
    expect(reports.find(({ name }) => name === 'tidy')).to.include({ checksum: sum });
    expect(existsSync(folder.at('it-ran'))).to.equal(false);
    expect(existsSync(folder.at('plugins.lock'))).to.equal(false);
  });

  it('list leaves out the ones that are turned off when asked to', async () => {
    using folder = folderOf({});
    const { stdout } = await gatewayd(['plugin', 'list', '-e'], { cwd: folder.path });
    expect((JSON.parse(stdout) as PluginReport[]).map(({ name }) => name)).to.deep.equal(['telemetry']);
  });

  it('lint finds tidy plugins in order', async () => {
    using folder = folderOf({ 'plugins/tidy.js': tidy });
    const { code, stdout } = await gatewayd(['plugin', 'lint'], { cwd: folder.path });
    expect(code).to.equal(0);
    expect(stdout).to.contain('in order');
  });

  it('explain names the nearest hook to one that there is not', async () => {
    const { code, stderr } = await gatewayd(['plugin', 'explain', 'trafficFromClint']);
    expect(code).to.equal(2);
    expect(stderr).to.contain('There is no hook trafficFromClint').and.contain('Did you mean trafficFromClient?');
  });

  it('lint says what is wrong with the others, and what to do', async () => {
    using folder = folderOf({ 'plugins/odd/package.json': '{ "name": "odd", "version": "often" }' });
    const { code, stderr } = await gatewayd(['plugin', 'lint'], { cwd: folder.path });
    expect(code).to.equal(4);
    expect(stderr).to.match(/✖ odd {2}PLUGIN_[A-Z_]+\n {2}Plugin odd .*\n {2}\S/);
    const json = await gatewayd(['plugin', 'lint', '--json'], { cwd: folder.path });
    expect(json.code).to.equal(4);
    expect(JSON.parse(json.stdout)).to.have.nested.property('[0].error.mend').that.is.not.empty;
  });

  it('trust accepts a plugin as it is now, and again after it changed', async () => {
    using folder = folderOf({ 'plugins/tidy.js': tidy });
    const trusted = await gatewayd(['plugin', 'trust', 'tidy', 'sleeper'], { cwd: folder.path });
    expect(trusted.code).to.equal(0);
    const sum = createHash('sha256').update(tidy).digest('hex');
    expect(trusted.stdout).to.contain(`tidy ${sum.slice(0, 12)} is trusted now\n`);
    expect(readFileSync(folder.at('plugins.lock'), 'utf8')).to.contain(sum);

    folder.write('plugins/tidy.js', `${tidy}// an update\n`);
    const changed = await gatewayd(['plugin', 'lint'], { cwd: folder.path });
    expect(changed.code).to.equal(4);
    expect(changed.stderr).to.contain('PLUGIN_CHANGED').and.contain('gatewayd plugin trust tidy');
    const again = await gatewayd(['plugin', 'trust', 'tidy'], { cwd: folder.path });
    expect(again.stdout).to.contain(`before, it was ${sum.slice(0, 12)}`);
    expect((await gatewayd(['plugin', 'lint'], { cwd: folder.path })).code).to.equal(0);
  });

  it('trust names the nearest plugin when there is none of that name', async () => {
    using folder = folderOf({ 'plugins/query-logger.js': tidy });
    const { code, stderr } = await gatewayd(['plugin', 'trust', 'query-loger'], { cwd: folder.path });
    expect(code).to.equal(1);
    expect(stderr).to.contain('query-logger').and.contain('(PLUGIN_NOT_FOUND)');
  });

  it('reads the configuration that its flags name', async () => {
    using folder = new Folder({
      'etc/other.yaml': 'pluginHost: { directory: ../parts }\n',
      'parts/tidy.js': tidy,
    });
    const { stdout } = await gatewayd(['plugin', 'list', '-c', folder.at('etc/other.yaml')]);
    expect(stdout).to.contain(folder.at('parts/tidy.js'));
  });
});
