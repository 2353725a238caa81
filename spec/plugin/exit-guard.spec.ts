import { expect } from 'chai';
import { PluginBed } from '../support/plugins.ts';

const harmful = [
  'process.exit(1)',
  'process.abort()',
  'process.reallyExit(1)',
  `process.kill(process.pid)`,
  `process.kill(0, 'SIGTERM')`,
  `process.kill(-1, 'SIGKILL')`,
  `process.kill('x')`,
  `process.chdir('/')`,
  'process.removeAllListeners()',
  `process.removeAllListeners('uncaughtException')`,
  `process.removeAllListeners('SIGTERM')`,
];
const harmless = [`process.kill(process.pid, 0)`, `process.removeAllListeners('of the plugin')`];

describe('what a plugin may not do to the process', () => {
  for (const code of harmful) {
    it(`throws: ${code}`, async () => {
      await using bed = new PluginBed();
      const directory = process.cwd();
      const listeners = process.listenerCount('uncaughtException');
      bed.write(
        'evil.js',
        `export default { apply(host) { try { ${code}; } catch (error) { host.reportError(error); } } };`,
      );
      const host = await bed.load();
      const member = /process\.(\w+)/.exec(code)![1]!;
      expect(bed.logged('PLUGIN_EXIT').map(({ msg }) => msg)).to.deep.equal([
        `Plugin evil called process.${member}, which is for gatewayd alone`,
      ]);
      expect(process.cwd()).to.equal(directory);
      expect(process.listenerCount('uncaughtException')).to.equal(listeners);
      expect(host.plugins.get('evil')).not.to.be.undefined;
    });
  }

  it('leaves it what harms nobody else, and everybody else everything', async () => {
    await using bed = new PluginBed();
    bed.write('good.js', `export default { apply() { ${harmless.join('; ')} } };`);
    const host = await bed.load();
    expect(host.plugins.get('good')).not.to.be.undefined;
    process.chdir('.');
    expect(process.kill(process.pid, 0)).to.be.true;
  });
});
