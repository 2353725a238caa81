import { expect } from 'chai';
import { GuestBed } from '../support/guests.ts';
import { PluginBed, quietPlugin } from '../support/plugins.ts';
import { until } from '../support/until.ts';

/** What a plugin may do to what all of the process stands on, and how that is called. */
const patches: Readonly<Record<string, string>> = {
  Promise: `globalThis.Promise = class OfThePlugin extends Promise {};`,
  setTimeout: `globalThis.setTimeout = () => 'of the plugin';`,
  'JSON.parse': `JSON.parse = () => 'of the plugin';`,
  'process.exit': `process.exit = () => 'of the plugin';`,
  'process.on': `process.on = () => 'of the plugin';`,
  'Buffer.prototype.write': `Buffer.prototype.write = () => 'of the plugin';`,
  'Array.prototype.push': `Array.prototype.push = () => 'of the plugin';`,
  'Map.prototype.get': `Map.prototype.get = () => 'of the plugin';`,
  'Object.prototype.added': `Object.prototype.added = () => 'of the plugin';`,
  'net.Socket.prototype.write': `(await import('node:net')).Socket.prototype.write = () => 'of the plugin';`,
  'Object.freeze': `Object.freeze = (one) => one;`,
};

describe('a plugin that patches what all of the process stands on', () => {
  for (const [what, code] of Object.entries(patches)) {
    it(`is named, and it is put back: ${what}`, async () => {
      const { Promise: promise, JSON: json, setTimeout: timer } = globalThis;
      const before = [promise, json.parse, timer, Buffer.prototype.write, Object.freeze];
      await using bed = new PluginBed();
      bed.write('patcher.js', `${code}\n${quietPlugin()}`);
      bed.write('other.js', quietPlugin());
      const host = await bed.load();
      expect(bed.logged('PLUGIN_PATCHED').map(({ plugin, msg }) => [plugin, msg])).to.deep.equal([
        ['patcher', `Plugin patcher changed ${what}, which all of the process stands on; it was put back`],
      ]);
      const now = [globalThis.Promise, JSON.parse, setTimeout, Buffer.prototype.write, Object.freeze];
      expect(now.every((one, index) => one === before[index])).to.be.true;
      expect('added' in {}).to.be.false;
      expect([...host.plugins].map(({ name }) => name)).to.have.members(['patcher', 'other']);
    });
  }

  it('is named where it does so in apply, or later', async () => {
    await using bed = new PluginBed();
    bed.write('early.js', `export default { apply() { JSON.parse = () => 'early'; } };`);
    bed.write(
      'late.js',
      `export default { apply(host) { host.hooks.signal.tap('late', () => { JSON.stringify = () => 'of the late plugin'; }); } };`,
    );
    const host = await bed.load();
    expect(bed.logged('PLUGIN_PATCHED').map(({ plugin, phase }) => [plugin, phase])).to.deep.equal([
      ['early', 'apply'],
    ]);
    await host.hooks.signal.promise({ signal: 'SIGHUP' });
    await until(() => JSON.stringify(1) === '1');
    expect(bed.logged('PLUGIN_PATCHED').at(-1)).to.include({ plugin: 'late', phase: 'async' });
  });

  it('is one of those that were being imported where nothing tells which', async () => {
    await using bed = new PluginBed();
    bed.write('patcher.js', `Object.prototype.added = 1;\n${quietPlugin()}`);
    bed.write('other.js', quietPlugin());
    await bed.load();
    expect(bed.logged('PLUGINS_PATCHED').map(({ msg }) => msg)).to.deep.equal([
      'One of the plugins other, patcher changed Object.prototype.added, which all of the process stands on; it was put back',
    ]);
    expect('added' in {}).to.be.false;
  });

  it('is never said to be one that runs in a thread of its own', async () => {
    await using bed = new GuestBed();
    bed.write(
      'patcher.js',
      `export default { apply(host) {
      host.hooks.signal.tap('later', () => { Object.prototype.added = 1; });
    } };`,
    );
    const host = await bed.guest('worker', quietPlugin());
    await host.hooks.signal.promise({ signal: 'SIGHUP' });
    expect(await bed.line('PLUGIN_PATCHED')).to.include({ plugin: 'patcher' });
    expect(bed.logged('PLUGINS_PATCHED')).to.be.empty;
    expect('added' in {}).to.be.false;
  });

  it('says nothing of plugins that keep to themselves', async () => {
    await using bed = new PluginBed();
    bed.write('good.js', `globalThis.ofThePlugin = 1; export class Own extends Promise {}\n${quietPlugin()}`);
    const host = await bed.load();
    await host.deactivate();
    expect(bed.logged('PLUGIN_PATCHED')).to.be.empty;
  });
});
