import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { safeExceptions } from '../../plugins/telemetry/exceptions.ts';

const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'gatewayd-types-')));
const require = createRequire(path.join(folder, 'spec.cjs'));
const root = { path: path.join(folder, 'plugin'), name: 'app:///plugins/audit', open: true };

/** What the type of an error is said to be that this code gives, in the file of a plugin. */
function typeOf(code: string, file = 'plugin/index.cjs', roots = [root]): string {
  const full = path.join(folder, file);
  mkdirSync(path.dirname(full), { recursive: true });
  writeFileSync(full, code);
  delete require.cache[full];
  const error: unknown = (require(full) as () => unknown)();
  return safeExceptions(error, { roots, withheld: false, messages: false })[0]!.type;
}

describe('the type of an error on the wire', () => {
  after(() => rmSync(folder, { recursive: true }));

  for (const [what, code, file] of [
    ['a class of the plugin', 'class AuditError extends Error {}; module.exports = () => new AuditError("no");'],
    [
      'a function that makes errors',
      'function AuditError() { Error.captureStackTrace(this) }; module.exports = () => new AuditError("no");',
    ],
    [
      'a class of its packages',
      'class AuditError extends Error {}; module.exports = () => new AuditError("no");',
      'plugin/node_modules/audit/index.cjs',
    ],
  ] as const) {
    it(`is the name of ${what}`, () => {
      expect(typeOf(code, file)).to.equal('AuditError');
    });
  }

  it('is the name of a class that is declared elsewhere, where the code makes one', () => {
    writeFileSync(path.join(folder, 'errors.cjs'), 'exports.AuditError = class AuditError extends Error {};');
    expect(
      typeOf('const errors = require("../errors.cjs"); module.exports = () => new errors.AuditError("no");'),
    ).to.equal('AuditError');
  });

  it('is that of the language where a class was made of a text at run time, whatever the text has in it', () => {
    const made = (base: string) =>
      `const secret = 'Hunter' + 2; const Made = new Function('return class ' + secret + ' extends ${base} {}')();
      module.exports = () => new Made('Hunter2');`;
    expect(typeOf(made('Error'))).to.equal('Error');
    expect(typeOf(made('RangeError'))).to.equal('RangeError');
    // The word is there, and no class of that name.
    expect(typeOf(`// Hunter2, "class", 'new'\n${made('TypeError')}`)).to.equal('TypeError');
  });

  it('is that of the language where the class is in a file that is none of ours', () => {
    expect(
      typeOf('class AuditError extends TypeError {}; module.exports = () => new AuditError();', 'beside.cjs'),
    ).to.equal('TypeError');
  });
});
