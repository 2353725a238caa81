import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'chai';
import { cleanEnvironment, launcher } from '../support/gatewayd-process.ts';
import { Folder } from '../support/launch.ts';
import { until } from '../support/until.ts';

const config = [
  'clients: { default: { writes: { address: 127.0.0.1:1 } } }',
  'servers: { default: { address: 127.0.0.1:0 } }',
  '',
].join('\n');

/** Whether a process still runs: one that nobody has asked for its exit code yet does not. */
function runs(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

describe('gatewayd run on a terminal', () => {
  it('prints the summary, and stops when the terminal closes', async () => {
    using folder = new Folder({ 'gatewayd.yaml': config });
    const line = `echo "pid $$"; exec "${process.execPath}" "${launcher}" run --usage-report=false --sentry=false`;
    const terminal = spawn('script', ['-qec', line, '/dev/null'], {
      cwd: folder.path,
      env: cleanEnvironment(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let shown = '';
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => (shown += stripVTControlCharacters(text)));
    await until(() => /no usage report/i.test(shown));
    const pid = Number(/pid (\d+)/.exec(shown)?.[1]);
    expect(shown).to.match(/gatewayd \S+ is ready/);
    expect(runs(pid)).to.equal(true);
    // The terminal is gone with the program that made it.
    terminal.kill('SIGKILL');
    try {
      await until(() => !runs(pid));
    } finally {
      if (runs(pid)) process.kill(pid, 'SIGKILL');
    }
  });
});
