import { expect } from 'chai';
import { examine } from '../../lib/plugin/examine.ts';
import { PluginBed } from '../support/plugins.ts';

/** Whether a plugin made of these files may import files of its own. */
async function mayImport(files: Readonly<Record<string, string>>): Promise<boolean> {
  await using bed = new PluginBed();
  for (const [file, text] of Object.entries(files)) bed.write(file, text);
  const plugins = await examine(bed.options());
  const plugin = plugins.find(({ source }) => source?.builtIn === false);
  return plugin?.state === 'found' && plugin.importsOwnFiles;
}

describe('what a plugin may import of its own', () => {
  for (const text of [
    "import { mark } from './mark.js';",
    'export * from "../shared/mark.js";',
    "import '/opt/shared/mark.js';",
    "import mark from '#mark';",
    "import '\\x2e/mark.js';",
    "const mark = await import(['.', 'mark.js'].join('/'));",
    'const mark = await import /* of our own */ (place);',
    "import worker from\n  './worker.js';",
  ]) {
    it(`is seen in ${JSON.stringify(text)}`, async () => {
      expect(await mayImport({ 'one.mjs': text })).to.equal(true);
    });
  }

  for (const text of [
    "import { readFile } from 'node:fs/promises';",
    "import type { Plugin } from 'gatewayd';",
    'export default { version: "1.0.0", apply(host) { host.logger.info(import.meta.url); } };',
  ]) {
    it(`is nothing in ${JSON.stringify(text)}`, async () => {
      expect(await mayImport({ 'one.mjs': text })).to.equal(false);
    });
  }

  it('is looked for in every file of a folder that can be imported, and in no other', async () => {
    const main = {
      'one/package.json': '{ "name": "one", "version": "1.0.0", "main": "./main.js" }',
      'one/main.js': '',
    };
    expect(await mayImport({ ...main, 'one/notes.md': "see './other.js'" })).to.equal(false);
    expect(await mayImport({ ...main, 'one/deep/other.cjs': "import('./x.js')" })).to.equal(true);
  });
});
