import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { command } from '../support/command.ts';
import { cleanEnvironment } from '../support/gatewayd-process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('what V8 made of lib/ in the build', () => {
  let folder: string;
  let cache: string;
  let intact: Buffer;

  const show = () =>
    command(process.execPath, [path.join(folder, 'bin/gatewayd'), 'telemetry', 'show'], {
      cwd: folder,
      environment: cleanEnvironment(),
    });

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-launch-'));
    for (const name of ['bin', 'dist', 'package.json']) {
      cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'dir');
    cache = path.join(folder, 'dist/lib/gatewayd.cjs.cache');
    intact = readFileSync(cache);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('changes nothing of what a command does: with it, where it does not fit, and without it', async () => {
    const outcomes = [await show()];
    for (const unfit of [intact.subarray(0, 1000), Buffer.alloc(intact.length, 'x'), Buffer.alloc(0)]) {
      writeFileSync(cache, unfit);
      outcomes.push(await show());
    }
    rmSync(cache);
    outcomes.push(await show());
    expect(outcomes[0]?.stdout).to.contain('usagereport.v1.UsageReportService/Report');
    for (const outcome of outcomes) expect(outcome).to.deep.equal({ code: 0, stdout: outcomes[0]?.stdout, stderr: '' });
  });
});
