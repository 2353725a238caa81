import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { byName, PluginBed, pluginRow, quietPlugin } from '../support/plugins.ts';

const telemetry = '{ "name": "telemetry", "version": "1.0.0", "type": "module" }';

describe('discovery', () => {
  it('takes .ts, .mts, .js and .mjs files and folders with a package.json; leaves all else alone and says so', async () => {
    await using bed = new PluginBed();
    for (const file of ['one.ts', 'two.mts', 'three.js', 'four.mjs']) bed.write(file, quietPlugin());
    bed.write('five/package.json', '{ "name": "@team/five", "version": "5.0.0", "type": "module" }');
    bed.write('five/index.mjs', quietPlugin());
    const alone = ['_off.js', '.hidden.js', 'readme.md', 'six.cjs', 'types.d.ts', 'seven/index.js'];
    for (const file of alone) bed.write(file, 'this is not read');
    const host = await bed.load();
    expect([...host.plugins].map(({ name }) => name)).to.deep.equal(['@team/five', 'four', 'one', 'three', 'two']);
    expect(host.plugins.get('@team/five')).to.include({ version: '5.0.0' });
    const entries = bed.log.filter(({ level }) => level === 20).map((line) => line['entry']);
    expect(entries).to.have.members(alone.map((file) => file.split('/')[0]));
  });

  it('finds the entry point by exports, by main, or as an index file', async () => {
    await using bed = new PluginBed();
    const manifests: Readonly<Record<string, object>> = {
      string: { exports: './lib/here.js' },
      conditions: { exports: { types: './x.d.ts', import: './lib/here.js', default: './absent.js' } },
      subpath: { exports: { '.': { node: { import: './lib/here.js' } }, './other': './absent.js' } },
      main: { main: 'lib/here.js' },
      index: {},
    };
    for (const [name, rest] of Object.entries(manifests)) {
      bed.write(`${name}/package.json`, JSON.stringify({ name, version: '1.0.0', type: 'module', ...rest }));
      bed.write(`${name}/${name === 'index' ? 'index.js' : 'lib/here.js'}`, quietPlugin());
    }
    const host = await bed.load();
    expect([...host.plugins].map(({ name }) => name)).to.have.members(Object.keys(manifests));
  });

  it('runs nothing that the checksum does not cover', async () => {
    await using bed = new PluginBed();
    bed.write('../outside.js', quietPlugin());
    for (const [name, main] of Object.entries({ above: '../../outside.js', inside: 'node_modules/x/index.js' })) {
      bed.write(`${name}/package.json`, JSON.stringify({ name, version: '1.0.0', type: 'module', main }));
      bed.write(`${name}/node_modules/x/index.js`, quietPlugin());
    }
    const reports = byName((await bed.load()).reports);
    expect(reports.get('above')?.error).to.include({ code: 'PLUGIN_NO_ENTRY' });
    expect(reports.get('inside')?.error).to.include({ code: 'PLUGIN_NO_ENTRY' });
  });

  it('refuses the name of the host, and names that would not survive a log or a shell', async () => {
    await using bed = new PluginBed();
    bed.write('gatewayd.js', quietPlugin());
    bed.write('line\nbreak.js', quietPlugin());
    bed.write('quoted/package.json', JSON.stringify({ name: 'a"; rm -rf', version: '1.0.0' }));
    const codes = [...byName((await bed.load()).reports).values()].map(({ error }) => error?.code);
    expect(codes).to.deep.equal(['PLUGIN_BAD_NAME', 'PLUGIN_BAD_NAME', 'PLUGIN_BAD_NAME']);
  });

  it('takes a missing folder as an empty one, and warns of it only where the config names it', async () => {
    await using bed = new PluginBed();
    const directory = path.join(bed.root, 'absent');
    await bed.load({ directory, directoryGiven: false });
    expect(bed.logged('PLUGIN_DIRECTORY_MISSING')).to.deep.equal([]);
    await bed.load({ directory });
    expect(bed.logged('PLUGIN_DIRECTORY_MISSING')[0]).to.include({ level: 40 });
  });

  it('may be pointed at its folder by a link', async () => {
    await using bed = new PluginBed();
    bed.write('a.js', quietPlugin());
    symlinkSync(bed.directory, path.join(bed.root, 'link'));
    const host = await bed.load({ directory: path.join(bed.root, 'link') });
    expect(host.plugins.get('a')?.path).to.equal(path.join(bed.directory, 'a.js'));
  });

  it('loads built-in plugins from their own folder, and passes them over in the plugins folder', async () => {
    await using bed = new PluginBed();
    bed.write('telemetry/package.json', telemetry);
    bed.write('telemetry/index.js', quietPlugin());
    bed.write('mine.js', quietPlugin());
    const clone = { builtInDirectory: bed.directory };
    expect(
      [...(await bed.load({ ...clone, builtIns: ['telemetry'] })).plugins].map(({ name, trust }) => [name, trust]),
    ).to.deep.equal([
      ['mine', 'first-use'],
      ['telemetry', 'built-in'],
    ]);
    const off = await bed.load({ ...clone, rows: [pluginRow({ name: 'telemetry' })] });
    expect([...off.plugins].map(({ name }) => name)).to.deep.equal(['mine']);
    expect(off.reports.find(({ name }) => name === 'telemetry')).to.include({ state: 'disabled', checksum: null });
  });

  it('passes over the sources of built-in plugins in a clone that runs what was built from them', async () => {
    await using bed = new PluginBed();
    for (const folder of ['plugins', 'dist/plugins']) {
      bed.write(`../${folder}/telemetry/package.json`, telemetry);
      bed.write(`../${folder}/telemetry/index.js`, quietPlugin());
    }
    const host = await bed.load({ builtInDirectory: path.join(bed.root, 'dist/plugins'), builtIns: ['telemetry'] });
    expect(host.reports.map(({ path: place }) => place)).to.deep.equal([path.join(bed.root, 'dist/plugins/telemetry')]);
  });

  it('refuses another plugin with the name of a built-in one, although that one is off', async () => {
    await using bed = new PluginBed();
    bed.write('../built-in/telemetry/package.json', telemetry);
    bed.write('../built-in/telemetry/index.js', quietPlugin());
    bed.write('telemetry.js', quietPlugin());
    mkdirSync(path.join(bed.directory, 'empty'));
    const host = await bed.load();
    expect(host.reports.map(({ state, error }) => error?.code ?? state)).to.deep.equal([
      'disabled',
      'PLUGIN_DUPLICATE_NAME',
    ]);
  });
});
