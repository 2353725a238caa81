import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { inspectPlugins } from '../../lib/plugin/inspect.ts';
import { checksumOfFile } from '../../lib/plugin/checksum.ts';
import { readLock } from '../../lib/plugin/lock-file.ts';
import { trustPlugin } from '../../lib/plugin/trust.ts';
import { caught } from '../support/caught.ts';
import { byName, PluginBed, pluginRow, quietPlugin } from '../support/plugins.ts';

describe('trust', () => {
  it('is given at first sight and recorded; later only to the same bytes, until the plugin is trusted anew', async () => {
    await using bed = new PluginBed();
    const file = bed.write('a.js', quietPlugin());
    expect(byName((await bed.load()).reports).get('a')).to.include({ state: 'loaded', trust: 'first-use' });
    const locked = (await readLock(bed.lockFile)).get('a');
    expect(locked).to.include({ path: 'plugins/a.js', checksum: await checksumOfFile(file) });
    expect(new Date(locked!.trusted).toISOString()).to.equal(locked!.trusted);
    expect(byName((await bed.load()).reports).get('a')).to.include({ state: 'loaded', trust: 'locked' });

    bed.write('a.js', `${quietPlugin()}// changed`);
    const refused = byName((await bed.load()).reports).get('a');
    expect(refused).to.include({ state: 'failed', trust: null });
    expect(refused?.error).to.include({ code: 'PLUGIN_CHANGED' });
    expect(refused?.error?.mend).to.include('gatewayd plugin trust a');

    const trusted = await trustPlugin(bed.options(), 'a');
    expect(trusted).to.deep.equal({ name: 'a', checksum: await checksumOfFile(file), previous: locked!.checksum });
    expect(byName((await bed.load()).reports).get('a')).to.include({ state: 'loaded', trust: 'locked' });
  });

  it('is not recorded for a plugin that could not be loaded: its mended version is no change', async () => {
    await using bed = new PluginBed();
    bed.copy('apply-throws');
    await bed.load();
    expect(existsSync(bed.lockFile)).to.equal(false);
  });

  it('keeps what the lock says of plugins that are not there', async () => {
    await using bed = new PluginBed();
    bed.write('a.js', quietPlugin());
    await trustPlugin(bed.options(), 'a');
    bed.write('a.js/../b.js', quietPlugin());
    await trustPlugin(bed.options(), 'b');
    expect([...(await readLock(bed.lockFile)).keys()]).to.deep.equal(['a', 'b']);
  });

  it('by a checksum in the row counts more than the lock, in capitals too', async () => {
    await using bed = new PluginBed();
    const file = bed.write('a.js', quietPlugin());
    await bed.load();
    bed.write('a.js', `${quietPlugin()}// changed`);
    const checksum = (await checksumOfFile(file)).toUpperCase();
    const host = await bed.load({ rows: [pluginRow({ name: 'a', checksum })] });
    expect(byName(host.reports).get('a')).to.include({ state: 'loaded', trust: 'pinned' });
  });

  it('with verify: pin is given to nothing else than a checksum in the row', async () => {
    await using bed = new PluginBed();
    const file = bed.write('a.js', quietPlugin());
    bed.write('b.js', quietPlugin());
    const checksum = await checksumOfFile(file);
    const reports = byName((await bed.load({ verify: 'pin', rows: [pluginRow({ name: 'a', checksum })] })).reports);
    expect(reports.get('a')).to.include({ state: 'loaded', trust: 'pinned' });
    expect(reports.get('b')?.error).to.include({ code: 'PLUGIN_NOT_PINNED' });
    expect(reports.get('b')?.error?.mend).to.include(await checksumOfFile(file.replace('a.js', 'b.js')));
    expect(existsSync(bed.lockFile)).to.equal(false);
  });

  for (const options of [{ verify: 'off' }, { devMode: true }] as const) {
    it(`with ${JSON.stringify(options)} asks for nothing, records nothing, and says so`, async () => {
      await using bed = new PluginBed();
      bed.write('a.js', quietPlugin());
      const rows = [pluginRow({ name: 'a', checksum: 'ab'.repeat(32) })];
      const host = await bed.load({ rows, ...options });
      expect(byName(host.reports).get('a')).to.include({ state: 'loaded', trust: 'unverified' });
      expect(bed.log.find(({ level }) => level === 40)).to.deep.include({ plugins: ['a'] });
      expect(existsSync(bed.lockFile)).to.equal(false);
    });
  }

  it('is not given to a plugin that changes while it is loaded', async () => {
    await using bed = new PluginBed();
    const change = "import { appendFileSync } from 'node:fs'; appendFileSync(new URL(import.meta.url), '// more');\n";
    bed.write('a.js', change + quietPlugin());
    const host = await bed.load();
    expect(byName(host.reports).get('a')?.error).to.include({ code: 'PLUGIN_CHANGED_WHILE_LOADING' });
    expect(existsSync(bed.lockFile)).to.equal(false);
  });

  it('cannot be given where it would not count: built in, pinned otherwise, not there', async () => {
    await using bed = new PluginBed();
    bed.write('pinned.js', quietPlugin());
    bed.write('../built-in/telemetry/package.json', '{ "name": "telemetry", "version": "1.0.0", "type": "module" }');
    bed.write('../built-in/telemetry/index.js', quietPlugin());
    const options = bed.options({ rows: [pluginRow({ name: 'pinned', checksum: 'ab'.repeat(32) })] });
    expect(await caught(trustPlugin(options, 'telemetry'))).to.include({ code: 'PLUGIN_TRUST_BUILT_IN' });
    expect(await caught(trustPlugin(options, 'pinned'))).to.include({ code: 'PLUGIN_CHECKSUM_MISMATCH' });
    const absent = await caught(trustPlugin(options, 'pined'));
    expect(absent).to.include({ code: 'PLUGIN_NOT_FOUND' });
    expect(absent.message).to.include('did you mean pinned?');
    expect(existsSync(bed.lockFile)).to.equal(false);
  });

  it('can be looked at without running anything or writing anything', async () => {
    await using bed = new PluginBed();
    bed.copy('exits-on-import').copy('bad-package-version');
    bed.write(
      'folder/package.json',
      '{ "name": "@team/tidy", "version": "1.2.3", "exports": { ".": { "types": "./x.d.ts", "import": "./index.js" } } }',
    );
    bed.write('folder/index.js', 'throw new Error("this must not run")');
    const reports = await inspectPlugins(bed.options());
    expect(byName(reports).get('@team/tidy')).to.include({
      state: 'found',
      version: '1.2.3',
      trust: 'first-use',
      milliseconds: null,
    });
    expect(reports.filter(({ name }) => name === 'broken').map(({ state }) => state)).to.have.members([
      'found',
      'failed',
    ]);
    expect(existsSync(bed.lockFile)).to.equal(false);
  });

  it('goes by name: the lock says where the plugin was', async () => {
    await using bed = new PluginBed();
    bed.write('a.js', quietPlugin());
    await bed.load();
    expect(readFileSync(bed.lockFile, 'utf8')).to.include('path: plugins/a.js');
  });
});
