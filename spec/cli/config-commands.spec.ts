import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { cleanEnvironment } from '../support/gatewayd-process.ts';
import { Folder, gatewayd } from '../support/launch.ts';

describe('gatewayd config', () => {
  it('init writes a configuration that lint finds in order, and whose schema an editor finds', async () => {
    using folder = new Folder();
    const written = await gatewayd(['config', 'init'], { cwd: folder.path });
    expect(written.code).to.equal(0);
    const text = readFileSync(folder.at('gatewayd.yaml'), 'utf8');
    const schema = /^# yaml-language-server: \$schema=(.*)$/m.exec(text)?.[1];
    expect(existsSync(path.resolve(folder.path, schema ?? ''))).to.equal(true);
    const lint = await gatewayd(['config', 'lint'], { cwd: folder.path });
    expect(lint).to.include({ code: 0, stderr: '', stdout: 'gatewayd.yaml is in order\n' });
  });

  it('init says how to start; lint calls no file in order that is not there', async () => {
    using folder = new Folder();
    const missing = await gatewayd(['config', 'lint'], { cwd: folder.path });
    expect(missing.code).to.equal(0);
    expect(missing.stderr).to.contain('there is no such file');
    expect(missing.stdout).not.to.contain('gatewayd.yaml');
    const [usual, other] = await Promise.all([
      gatewayd(['config', 'init'], { cwd: folder.path }),
      gatewayd(['config', 'init', '-c', 'other.yaml'], { cwd: folder.path }),
    ]);
    expect(usual.stdout).to.contain('`gatewayd run`');
    expect(other.stdout).to.contain('`gatewayd run -c other.yaml`');
  });

  it('init leaves a file alone unless it is forced', async () => {
    using folder = new Folder({ 'mine.yaml': '# mine\n' });
    const refused = await gatewayd(['config', 'init', '-c', folder.at('mine.yaml')]);
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.contain('--force').and.contain('(CLI_FILE_EXISTS)');
    expect(readFileSync(folder.at('mine.yaml'), 'utf8')).to.equal('# mine\n');
    const forced = await gatewayd(['config', 'init', '-f', '-c', folder.at('mine.yaml')]);
    expect(forced.code).to.equal(0);
    expect(readFileSync(folder.at('mine.yaml'), 'utf8')).to.contain('embedded');
  });

  it('init says when it cannot write there', async () => {
    using folder = new Folder();
    const { code, stderr } = await gatewayd(['config', 'init', '-c', folder.at('missing/gatewayd.yaml')]);
    expect(code).to.equal(1);
    expect(stderr).to.contain('(CLI_FILE_NOT_WRITTEN)');
  });

  it('lint names file, line, column and the nearest right key of each error', async () => {
    using folder = new Folder({ 'gatewayd.yaml': 'servers:\n  default:\n    adress: 127.0.0.1:15432\n' });
    const { code, stderr } = await gatewayd(['config', 'lint'], { cwd: folder.path });
    expect(code).to.equal(3);
    expect(stderr).to.match(/^gatewayd\.yaml:3:5: .*address/m);
  });

  it('lint is content with what is only a warning, and says it', async () => {
    using folder = new Folder({ 'gatewayd.yaml': 'raft: {}\n' });
    const { code, stderr } = await gatewayd(['config', 'lint'], { cwd: folder.path });
    expect(code).to.equal(0);
    expect(stderr).to.match(/^gatewayd\.yaml:1:1: warning: raft/m);
  });

  it('lint looks at the environment and at the plugins file too', async () => {
    using folder = new Folder({ 'other.yaml': 'healthCheckPeriod: soon\n' });
    const environment = cleanEnvironment({ GATEWAYD_SERVERS_DEFAULT_ADRESS: 'x' });
    const { code, stderr } = await gatewayd(['config', 'lint', '-p', 'other.yaml'], { cwd: folder.path, environment });
    expect(code).to.equal(3);
    expect(stderr).to.contain('other.yaml:1:').and.contain('GATEWAYD_SERVERS_DEFAULT_ADDRESS');
  });
});
