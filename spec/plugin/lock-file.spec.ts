import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { readLock, writeLock } from '../../lib/plugin/lock-file.ts';
import { caught } from '../support/caught.ts';
import { PluginBed } from '../support/plugins.ts';

const checksum = fc.stringMatching(/^[0-9a-f]{64}$/);
const entry = fc.record({
  path: fc.string({ minLength: 1 }),
  checksum,
  trusted: fc.constant('2026-01-02T03:04:05.678Z'),
});
const name = fc.oneof(
  fc.stringMatching(/^(@[a-z]{1,4}\/)?[A-Za-z0-9][\w.~ -]{0,8}$/),
  fc.constantFrom('true', 'null', '1.0', '0x10', '1e5', '__proto__', 'constructor', 'y', 'plugins', 'version'),
);

describe('plugins.lock', () => {
  it('gives back what was written, in YAML with the names sorted', async () => {
    await using bed = new PluginBed();
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.tuple(name, entry), { selector: ([key]) => key }), async (entries) => {
        const lock = new Map(entries);
        await writeLock(bed.lockFile, lock);
        const read = await readLock(bed.lockFile);
        expect([...read.keys()]).to.deep.equal([...lock.keys()].sort());
        for (const [key, value] of lock) expect(read.get(key)).to.deep.equal(value);
        const yaml: unknown = parse(readFileSync(bed.lockFile, 'utf8'), { mapAsMap: true });
        expect((yaml as Map<string, unknown>).get('version')).to.equal(1);
      }),
      { numRuns: 100 },
    );
    expect(readdirSync(bed.root)).to.not.include.members([`plugins.lock.${process.pid}.tmp`]);
  });

  it('may be laid out by hand', async () => {
    await using bed = new PluginBed();
    const hex = 'AB'.repeat(32);
    writeFileSync(
      bed.lockFile,
      `{"plugins": {"a": {"trusted": "today", "path": "plugins/a.js", "checksum": "${hex}"}}, "version": 1}`,
    );
    expect((await readLock(bed.lockFile)).get('a')).to.deep.equal({
      path: 'plugins/a.js',
      checksum: hex.toLowerCase(),
      trusted: 'today',
    });
  });

  it('that is not there is empty', async () => {
    await using bed = new PluginBed();
    expect((await readLock(bed.lockFile)).size).to.equal(0);
  });

  const good = `    path: a.js\n    checksum: ${'ab'.repeat(32)}\n    trusted: 2026-01-02T03:04:05.678Z\n`;
  const broken: Readonly<Record<string, string>> = {
    'is no YAML': 'version: 1\nplugins: {',
    'is no mapping': '- 1',
    'is empty': '',
    'has no version': 'plugins: {}',
    'has a list of plugins': 'version: 1\nplugins: []',
    'has a plugin without a checksum': 'version: 1\nplugins:\n  a: { path: a.js, trusted: today }\n',
    'has a checksum that is none': `version: 1\nplugins:\n  a: { path: a.js, trusted: today, checksum: abc }\n`,
    'has one plugin twice': `version: 1\nplugins:\n  a:\n${good}  a:\n${good}`,
    'is cut off': `version: 1\nplugins:\n  a:\n${good}  b:\n    path: b.`,
  };
  for (const [what, text] of Object.entries(broken)) {
    it(`that ${what} is an error that names it, and is left as it is`, async () => {
      await using bed = new PluginBed();
      bed.write('a.js', 'export default { apply() {} };');
      writeFileSync(bed.lockFile, text);
      const error = await caught(readLock(bed.lockFile));
      expect(error).to.include({ code: 'PLUGIN_LOCK_BROKEN' });
      expect(error.message).to.include(bed.lockFile);
      const host = await bed.load();
      expect([...host.plugins]).to.deep.equal([]);
      expect(bed.logged('PLUGIN_LOCK_BROKEN')[0]).to.include({ plugin: 'a' });
      expect(readFileSync(bed.lockFile, 'utf8')).to.equal(text);
    });
  }

  it('of a later version is an error, and is left as it is', async () => {
    await using bed = new PluginBed();
    const text = 'version: 2\nplugins: []\n';
    writeFileSync(bed.lockFile, text);
    expect(await caught(readLock(bed.lockFile))).to.include({ code: 'PLUGIN_LOCK_VERSION' });
    expect(readFileSync(bed.lockFile, 'utf8')).to.equal(text);
  });

  it('that cannot be written is a warning; the plugins are loaded', async () => {
    await using bed = new PluginBed();
    bed.write('a.js', 'export default { apply() {} };');
    const lockFile = path.join(bed.root, 'absent', 'plugins.lock');
    const host = await bed.load({ lockFile });
    expect([...host.plugins]).to.have.length(1);
    expect(bed.logged('PLUGIN_LOCK_NOT_WRITTEN')[0]).to.include({ level: 40 });
  });

  it('is not replaced by half of a new one', async () => {
    await using bed = new PluginBed();
    mkdirSync(bed.lockFile);
    expect(await caught(writeLock(bed.lockFile, new Map()))).to.include({ code: 'PLUGIN_LOCK_NOT_WRITTEN' });
    expect(existsSync(`${bed.lockFile}.${process.pid}.tmp`)).to.equal(false);
  });
});
