import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { command } from '../support/command.ts';

const script = fileURLToPath(new URL('write-lines.ts', import.meta.url));

async function write(config: object, environment: NodeJS.ProcessEnv = {}) {
  const { stdout, stderr } = await command(process.execPath, ['--import', 'tsx', script, JSON.stringify(config)], {
    environment: { ...process.env, NO_COLOR: undefined, ...environment },
  });
  const parse = (text: string) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { stdout, stderr, parse };
}

describe('the log', () => {
  it('is JSON lines, none of which is lost when the process ends at once', async () => {
    const { stdout, stderr, parse } = await write({});
    const [first, second, third] = parse(stdout);
    expect(stderr).to.equal('');
    expect(first).to.deep.include({ level: 'info', msg: 'a sentence', some: { nested: 'fields' } });
    expect(third).to.include({ level: 'fatal', msg: 'the last' });
    expect(second).to.deep.include({ level: 'error', plugin: 'hello' });
    expect(second?.['err']).to.include({ code: 'SPEC_CODE', message: 'It is late', mend: 'Wait' });
    expect(second?.['err']).not.to.have.any.keys('values', 'template');
    expect(first).to.have.all.keys('level', 'time', 'msg', 'some'); // no host name, no process id
  });

  it('has a line for an error that cannot be looked at', async () => {
    const { stdout, parse } = await write({ level: 'trace' });
    const odd = parse(stdout).filter(({ msg }) => msg === 'odd');
    expect(odd.map(({ err }) => err)).to.deep.equal([
      { type: 'Error', message: 'an error that cannot be turned into text' },
      { type: 'Error', message: 'an error that cannot be turned into text' },
    ]);
  });

  it('says once what an error of ours says in the words of its causes', async () => {
    const { stdout, parse } = await write({ level: 'trace' });
    const line = parse(stdout).find(({ err }) => (err as { code?: string } | undefined)?.code === 'SPEC_QUOTES');
    expect(line).to.include({ msg: 'It failed: hail; so it goes' });
    expect(line?.['err']).to.include({ message: 'It failed: hail; so it goes: cold' });
    expect(line?.['err']).to.have.property('stack').that.contains('caused by: Error: hail');
  });

  for (const [timeFormat, digits] of [
    ['unix', 10],
    ['unixms', 13],
    ['unixmicro', 16],
    ['unixnano', 19],
  ] as const) {
    it(`tells the time in ${timeFormat}`, async () => {
      const { stdout } = await write({ timeFormat });
      expect(/"time":(\d+)/.exec(stdout)?.[1]).to.have.length(digits);
    });
  }

  it("knows GatewayD's names of levels", async () => {
    const [panic, disabled] = await Promise.all([write({ level: 'panic' }), write({ level: 'disabled' })]);
    expect(panic.parse(panic.stdout).map((line) => line['level'])).to.deep.equal(['fatal']);
    expect(disabled.stdout).to.equal('');
  });

  it('goes to several places at once, to each but once', async () => {
    const { stdout, stderr, parse } = await write({ output: ['console', 'stdout', 'stderr'] });
    expect(parse(stdout)).to.have.length(3);
    expect(stderr).to.equal(stdout);
  });

  it('goes to the console while the place it is to go to is still to come', async () => {
    const { stdout, parse } = await write({ output: ['syslog'] });
    expect(parse(stdout)).to.have.length(3);
  });

  it('is readable on a terminal, in colour unless that is not wanted', async () => {
    const terminal = { terminal: true, consoleTimeFormat: 'RFC3339' };
    const [coloured, configured, environment] = await Promise.all([
      write(terminal),
      write({ ...terminal, noColor: true }),
      write(terminal, { NO_COLOR: '1' }),
    ]);
    expect(coloured.stdout).to.contain('\u001b[');
    for (const { stdout } of [configured, environment]) {
      expect(stdout).not.to.contain('\u001b[');
      expect(stdout).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S+ INFO: a sentence {"some":{"nested":"fields"}}$/m);
    }
  });

  it('shows people the stack of an error and what to do, and nothing of it twice', async () => {
    const { stdout } = await write({ terminal: true, noColor: true });
    const [, failed = ''] = /ERROR: failed (.*?)(?=^\S)/ms.exec(stdout) ?? [];
    expect(failed).to.match(/^{"plugin":"hello","checksum":"0123456789ab"}\n +err: GatewayDError: It is late\n +at /);
    expect(failed).to.match(/\n +Wait\n$/);
    expect(failed).not.to.contain('"stack"');
    const [, said = ''] = /ERROR: It is late (.*?)(?=^\S)/ms.exec(stdout) ?? [];
    expect(said).to.match(/^{"mend":"Wait"}\n +err: caused by: Error: rain \n +at /);
  });
});
