import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import type { PluginRow } from '../../lib/config/schema.ts';
import type { PluginFailure } from '../../lib/hooks/loaded-plugin.ts';
import { inspectPlugins } from '../../lib/plugin/inspect.ts';
import { byName, PluginBed, pluginRow, quietPlugin } from '../support/plugins.ts';

interface BadPlugin {
  readonly is: string;
  readonly fixture: string;
  readonly code: string;
  /** What the reader must find in the message, besides the plugin's name. */
  readonly says: string | RegExp;
  readonly phase?: 'load' | 'apply';
  readonly row?: Partial<PluginRow>;
}

const badPlugins: readonly BadPlugin[] = [
  { is: 'has a syntax error', fixture: 'syntax-error', code: 'PLUGIN_SYNTAX_ERROR', says: /broken\.js:4\)/ },
  {
    is: 'has a syntax error in TypeScript',
    fixture: 'syntax-error-typescript',
    code: 'PLUGIN_SYNTAX_ERROR',
    says: /initiali[sz]ed/,
  },
  { is: 'has TypeScript that is more than types', fixture: 'enum', code: 'PLUGIN_SYNTAX_ERROR', says: /enum/ },
  { is: 'throws on import', fixture: 'throws-on-import', code: 'PLUGIN_IMPORT_FAILED', says: 'thrown at the top' },
  { is: 'rejects on import', fixture: 'rejects-on-import', code: 'PLUGIN_IMPORT_FAILED', says: 'rejected at the top' },
  { is: 'never ends its import', fixture: 'hangs-on-import', code: 'PLUGIN_IMPORT_TIMEOUT', says: '500 ms' },
  { is: 'has no default export', fixture: 'no-default-export', code: 'PLUGIN_NO_DEFAULT_EXPORT', says: 'default' },
  { is: 'exports something without apply', fixture: 'no-apply', code: 'PLUGIN_BAD_EXPORT', says: 'no apply function' },
  { is: "has another name than its file's", fixture: 'other-name', code: 'PLUGIN_NAME_MISMATCH', says: 'whole' },
  { is: 'has a version that is not semver', fixture: 'bad-version', code: 'PLUGIN_BAD_VERSION', says: '"v1"' },
  {
    is: 'has a version in package.json that is not semver',
    fixture: 'bad-package-version',
    code: 'PLUGIN_BAD_VERSION',
    says: '"one"',
  },
  {
    is: 'requires a plugin that is not there',
    fixture: 'missing-requirement',
    code: 'PLUGIN_REQUIREMENT_MISSING',
    says: 'absent ^1.0.0',
  },
  {
    is: 'requires another version of a plugin',
    fixture: 'unmet-requirement',
    code: 'PLUGIN_REQUIREMENT_UNMET',
    says: /good \^2\.0\.0.*version 1\.0\.0/,
  },
  {
    is: 'requires another version of gatewayd',
    fixture: 'old-host',
    code: 'PLUGIN_REQUIREMENT_UNMET',
    says: /gatewayd >=99\.0\.0/,
  },
  { is: 'requires no range', fixture: 'bad-range', code: 'PLUGIN_BAD_REQUIREMENT', says: 'the newest' },
  { is: 'requires itself', fixture: 'cycle', code: 'PLUGIN_REQUIREMENT_CYCLE', says: 'broken -> other -> broken' },
  { is: 'has no entry point', fixture: 'no-entry', code: 'PLUGIN_NO_ENTRY', says: 'lib/missing.js' },
  { is: 'exits on import', fixture: 'exits-on-import', code: 'PLUGIN_EXIT', says: 'process.exit' },
  { is: 'exits in apply', fixture: 'exits-in-apply', code: 'PLUGIN_EXIT', says: 'process.exit', phase: 'apply' },
  {
    is: 'throws in apply',
    fixture: 'apply-throws',
    code: 'PLUGIN_APPLY_FAILED',
    says: 'thrown in apply',
    phase: 'apply',
  },
  {
    is: 'rejects in apply, with null',
    fixture: 'apply-rejects',
    code: 'PLUGIN_APPLY_FAILED',
    says: 'null',
    phase: 'apply',
  },
  { is: 'never ends apply', fixture: 'apply-hangs', code: 'PLUGIN_APPLY_TIMEOUT', says: '500 ms', phase: 'apply' },
  {
    is: 'returns something else than a function',
    fixture: 'apply-answers',
    code: 'PLUGIN_BAD_DEACTIVATE',
    says: 'a number',
    phase: 'apply',
  },
  {
    is: 'has a configSchema that is none',
    fixture: 'bad-schema',
    code: 'PLUGIN_BAD_CONFIG_SCHEMA',
    says: 'type',
    phase: 'apply',
  },
  {
    is: 'has another checksum than its row says',
    fixture: 'apply-throws',
    code: 'PLUGIN_CHECKSUM_MISMATCH',
    says: /ab{3}.* asks for|asks for (ab){32}/,
    row: { checksum: 'ab'.repeat(32) },
  },
];

describe('a bad plugin', () => {
  for (const { is, fixture, code, says, phase = 'load', row } of badPlugins) {
    it(`that ${is} is reported as ${code}, and its neighbour is loaded`, async () => {
      await using bed = new PluginBed();
      bed.copy('good').copy(fixture);
      const rows = row ? [pluginRow({ name: 'broken', ...row })] : [];
      // Only what never ends is to be waited for so briefly: TypeScript takes a while on a busy machine.
      const host = await bed.load({ rows, applyTimeout: code.endsWith('_TIMEOUT') ? 500 : 10_000 });

      const report = byName(host.reports).get('broken') ?? byName(host.reports).get('hollow');
      expect(report?.state).to.equal('failed');
      expect(report?.error?.code).to.equal(code);
      expect(report?.error?.message).to.match(/Plugin (broken|hollow) /);
      expect(report?.error?.message).to.match(says instanceof RegExp ? says : new RegExp(escape(says)));
      expect(report?.error?.mend).to.not.equal('');
      const [line] = bed.logged(code);
      expect(line).to.include({ plugin: report?.name, code, phase, level: 50, mend: report?.error?.mend });

      expect([...host.plugins].map(({ name }) => name)).to.deep.equal(['good']);
      await host.hooks.shutdown.promise({ connections: 0 });
      expect(bed.log.map(({ msg }) => msg)).to.include('the good one was called');
    });
  }

  it('keeps what the plugin itself threw for those who tap its errors', async () => {
    await using bed = new PluginBed();
    bed.copy('apply-throws');
    const host = await bed.load();
    const failures: PluginFailure[] = [];
    host.plugins.each((plugin) => plugin.hooks.error.tap('spec', (failure) => void failures.push(failure)));
    expect(failures).to.have.length(1);
    expect(failures[0]).to.include({ plugin: 'broken', hook: null, phase: 'apply' });
    expect(failures[0]?.error).to.be.instanceOf(RangeError);
    expect((failures[0]!.error as Error).stack).to.match(/broken\.js:4:11/);
  });

  it('that shares its name is refused, naming both paths; the first in order is loaded', async () => {
    await using bed = new PluginBed();
    bed.copy('two-names');
    const host = await bed.load();
    const [first, second] = host.reports.filter(({ name }) => name === 'broken');
    expect(first).to.include({ state: 'loaded', version: '1.0.0' });
    expect(second?.error?.code).to.equal('PLUGIN_DUPLICATE_NAME');
    expect(second?.error?.message).to.include('twin-folder').and.to.include('broken.js');
  });

  it('that is required by another takes that one with it', async () => {
    await using bed = new PluginBed();
    bed.copy('apply-throws').write('needy.js', quietPlugin("requires: { broken: '*' },"));
    const host = await bed.load();
    expect(byName(host.reports).get('needy')?.error?.code).to.equal('PLUGIN_REQUIREMENT_FAILED');
    expect(byName(host.reports).get('needy')?.error?.message).to.include('broken');
  });

  it('that takes part in no cycle itself, but requires one, is told which plugin is not loaded', async () => {
    await using bed = new PluginBed();
    bed.copy('cycle').write('needy.js', quietPlugin("requires: { other: '*' },"));
    const host = await bed.load();
    expect(byName(host.reports).get('needy')?.error?.code).to.equal('PLUGIN_REQUIREMENT_FAILED');
    expect([...host.plugins]).to.deep.equal([]);
  });

  it('that is a link to somewhere else is refused; a link inside of the folder is taken', async () => {
    await using bed = new PluginBed();
    const outside = path.join(bed.root, 'outside.js');
    writeFileSync(outside, quietPlugin());
    symlinkSync(outside, path.join(bed.directory, 'broken.js'));
    bed.write('_kept/good.js', quietPlugin());
    symlinkSync('_kept/good.js', path.join(bed.directory, 'linked.js'));
    const host = await bed.load();
    expect(byName(host.reports).get('broken')?.error?.code).to.equal('PLUGIN_LINK_OUTSIDE');
    expect(byName(host.reports).get('broken')?.error?.message).to.include(outside);
    expect([...host.plugins].map(({ name }) => name)).to.deep.equal(['linked']);
  });

  it('that is a folder with a link in it is refused, wherever that leads', async () => {
    await using bed = new PluginBed();
    bed.write('broken/package.json', '{ "name": "broken", "version": "1.0.0", "type": "module" }');
    bed.write('broken/index.js', quietPlugin());
    mkdirSync(path.join(bed.directory, 'broken/lib'));
    symlinkSync('../index.js', path.join(bed.directory, 'broken/lib/again.js'));
    const host = await bed.load();
    expect(byName(host.reports).get('broken')?.error?.code).to.equal('PLUGIN_NOT_PLAIN');
    expect(byName(host.reports).get('broken')?.error?.message).to.include('lib/again.js');
  });

  it('that cannot be read is reported with the reason', async () => {
    await using bed = new PluginBed();
    bed.copy('good');
    symlinkSync('broken.js', path.join(bed.directory, 'broken.js'));
    mkdirSync(path.join(bed.directory, 'hollow/package.json'), { recursive: true });
    const host = await bed.load();
    for (const name of ['broken', 'hollow']) {
      expect(byName(host.reports).get(name)?.error?.code).to.equal('PLUGIN_UNREADABLE');
      expect(byName(host.reports).get(name)?.error?.message).to.match(/ELOOP|EISDIR/);
    }
    expect([...host.plugins].map(({ name }) => name)).to.deep.equal(['good']);
  });

  it('that its user may not read is reported with the reason', async () => {
    await using bed = new PluginBed();
    chmodSync(bed.root, 0o755);
    bed.copy('good');
    chmodSync(bed.write('broken.js', quietPlugin()), 0);
    // Root may read everything, so the question is asked as somebody else.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    const reports = byName(await inspectPlugins(bed.options()).finally(() => isRoot && process.seteuid?.(0)));
    expect(reports.get('broken')?.error?.code).to.equal('PLUGIN_UNREADABLE');
    expect(reports.get('broken')?.error?.message).to.include('EACCES');
    expect(reports.get('good')?.state).to.equal('found');
  });

  it('that is an empty folder is left alone; a row that names it says why', async () => {
    await using bed = new PluginBed();
    mkdirSync(path.join(bed.directory, 'hollow'));
    expect(byName((await bed.load()).reports).size).to.equal(0);
    expect(bed.log.find(({ level }) => level === 20)).to.include({ entry: 'hollow' });
    const host = await bed.load({ rows: [pluginRow({ name: 'hollow' })] });
    expect(byName(host.reports).get('hollow')?.error?.code).to.equal('PLUGIN_NOT_FOUND');
    expect(byName(host.reports).get('hollow')?.error?.message).to.include('a folder without a package.json');
  });

  it('that the config names and nobody has is reported with the nearest name', async () => {
    await using bed = new PluginBed();
    bed.copy('good');
    const host = await bed.load({ rows: [pluginRow({ name: 'goood' })] });
    expect(byName(host.reports).get('goood')?.error?.code).to.equal('PLUGIN_NOT_FOUND');
    expect(byName(host.reports).get('goood')?.error?.message).to.include('did you mean good?');
  });

  it("that is one of GatewayD's executables is refused: without a checksum because of that, with one as still to come", async () => {
    await using bed = new PluginBed();
    const localPath = '../gatewayd-plugin-cache';
    const rows = [
      pluginRow({ name: 'unpinned', localPath }),
      pluginRow({ name: 'pinned', localPath, checksum: 'ab'.repeat(32) }),
    ];
    const reports = byName((await bed.load({ rows })).reports);
    expect(reports.get('unpinned')?.error?.code).to.equal('PLUGIN_EXECUTABLE_UNPINNED');
    expect(reports.get('pinned')?.error?.code).to.equal('PLUGIN_EXECUTABLE_UNSUPPORTED');
  });

  it('stops the start when its row says required, after the others were loaded', async () => {
    await using bed = new PluginBed();
    bed.copy('good').copy('apply-throws');
    const host = bed.host({
      rows: [pluginRow({ name: 'broken', required: true }), pluginRow({ name: 'absent', required: true })],
    });
    const error = await host.load().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).to.include({ code: 'PLUGIN_REQUIRED_FAILED' });
    expect((error as Error).message)
      .to.include('broken (PLUGIN_APPLY_FAILED)')
      .and.to.include('absent (PLUGIN_NOT_FOUND)');
    expect([...host.plugins].map(({ name }) => name)).to.deep.equal(['good']);
  });

  it('that asks for permissions there are none of is told so, in its module and in its package.json', async () => {
    const wrong: readonly [asked: string, says: string][] = [
      ['"everything"', 'its permissions are no object'],
      ['{ "files": "read" }', 'its permissions have files, and there are fs, net and child'],
      ['{ "fs": "all" }', 'its permissions have fs as what is neither none, read nor write'],
      ['{ "fs": "read", "net": "yes" }', 'its permissions have net as what is neither true nor false'],
    ];
    for (const [asked, says] of wrong) {
      await using bed = new PluginBed();
      bed.write('module.js', quietPlugin(`permissions: ${asked},`));
      bed.write(
        'folder/package.json',
        `{ "name": "folder", "version": "1.0.0", "gatewayd": { "permissions": ${asked} } }`,
      );
      bed.write('folder/index.js', quietPlugin());
      const errors = (await bed.load()).reports.flatMap(({ error }) => error ?? []);
      expect(errors.map(({ code }) => code)).to.have.members(['PLUGIN_BAD_EXPORT', 'PLUGIN_BAD_PACKAGE']);
      for (const { message } of errors) expect(message).to.contain(says);
    }
  });

  it('that is disabled is neither read nor imported', async () => {
    await using bed = new PluginBed();
    bed.copy('exits-on-import');
    const host = await bed.load({ rows: [pluginRow({ name: 'broken', enabled: false, required: true })] });
    expect(byName(host.reports).get('broken')).to.include({ state: 'disabled', checksum: null, milliseconds: null });
  });

  it('that leaves timers is named at stop with the lines that started them, and they are stopped', async () => {
    await using bed = new PluginBed();
    bed.copy('leaves-timers');
    const host = await bed.load();
    expect([...host.plugins]).to.have.length(1);
    await host.deactivate();
    const [line, ...more] = bed.logged('PLUGIN_LEFT_TIMER');
    expect(more).to.deep.equal([]);
    expect(line).to.include({ plugin: 'untidy', level: 40 });
    expect(line?.msg).to.match(/2 timers .*untidy\.js:4:5, .*untidy\.js:5:5/);
  });

  it('that leaves listeners on process, also of its taps, is named at stop with the lines, and they are taken off', async () => {
    await using bed = new PluginBed();
    bed.write(
      'listens.js',
      `export default { version: '1.0.0', apply(host) {
        process.on('warning', () => {});
        process.on('SIGWINCH', tidy);
        host.hooks.signal.tap('x', () => { process.once('SIGUSR2', () => {}); });
        return () => { process.off('SIGWINCH', tidy); };
      } };
      function tidy() {}`,
    );
    const listeners = (): readonly number[] =>
      ['warning', 'SIGWINCH', 'SIGUSR2', 'newListener'].map((event) => process.listenerCount(event));
    const before = listeners();
    const host = await bed.load();
    await host.hooks.signal.promise({ signal: 'SIGHUP' });
    expect(listeners()).to.not.deep.equal(before);
    await host.deactivate();
    expect(listeners()).to.deep.equal(before);
    const [line, ...more] = bed.logged('PLUGIN_LEFT_LISTENER');
    expect(more).to.deep.equal([]);
    expect(line?.msg).to.match(/2 listeners .*listens\.js:2:17, .*listens\.js:4:52/);
  });
});

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
