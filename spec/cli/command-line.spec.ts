import { symlinkSync } from 'node:fs';
import { expect } from 'chai';
import { parse } from '../../lib/cli/parse.ts';
import { caught } from '../support/caught.ts';
import { command } from '../support/command.ts';
import { cleanEnvironment, launcher } from '../support/gatewayd-process.ts';
import { Folder, gatewayd } from '../support/launch.ts';

const leaves = [
  'run',
  'config init',
  'config lint',
  'plugin list',
  'plugin lint',
  'plugin trust',
  'telemetry show',
  'telemetry receive',
  'version',
];

describe('the command line', () => {
  it('prints the version and what it runs on, however it is asked', async () => {
    const answers = await Promise.all(
      [['version'], ['--version'], ['version', '--sentry=false']].map((a) => gatewayd(a)),
    );
    for (const { code, stdout, stderr } of answers) {
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
      expect(stdout).to.match(/^gatewayd \d+\.\d+\.\d+ \(Node\.js \d+\.\d+\.\d+, \w+ \w+\)\n$/);
    }
    expect(new Set(answers.map(({ stdout }) => stdout))).to.have.length(1);
  });

  it('works from any directory and through a link', async () => {
    using folder = new Folder();
    symlinkSync(launcher, folder.at('gatewayd'));
    const { code, stdout } = await command(folder.at('gatewayd'), ['version'], {
      cwd: '/',
      environment: cleanEnvironment(),
    });
    expect(code).to.equal(0);
    expect(stdout).to.contain('gatewayd ');
  });

  it('lists its commands in the help, with what each exit code means', async () => {
    const { code, stdout } = await gatewayd(['--help']);
    expect(code).to.equal(0);
    for (const word of ['run', 'config', 'plugin', 'telemetry', 'version', 'completion', '--sentry', 'Exit codes']) {
      expect(stdout).to.contain(word);
    }
  });

  it('shows its help when it is asked for nothing, and calls that wrong usage', async () => {
    const [help, nothing] = await Promise.all([gatewayd(['--help']), gatewayd([])]);
    expect(nothing.stdout).to.equal(help.stdout);
    expect(nothing.code).to.equal(2);
  });

  it('has help for every command, with --sentry, and lines that fit 80 columns', async () => {
    const helps = await Promise.all(leaves.map((name) => gatewayd([...name.split(' '), '--help'])));
    for (const [index, { code, stdout }] of helps.entries()) {
      expect(code).to.equal(0);
      expect(stdout).to.contain(`gatewayd ${leaves[index]}`);
      expect(stdout).to.contain('--sentry');
      expect(stdout).to.contain('Exit codes:');
      expect(stdout.split('\n').filter((line) => line.length > 80)).to.deep.equal([]);
    }
  });

  it("has GatewayD's flags and defaults for run", async () => {
    const { stdout } = await gatewayd(['run', '--help']);
    const text = stdout.replaceAll(/\s+/g, ' ');
    for (const [flag, value] of [
      ['-c, --config', '"gatewayd.yaml"'],
      ['-p, --plugin-config', '"gatewayd_plugins.yaml"'],
      ['--dev', 'false'],
      ['--tracing', 'false'],
      ['--collector-url', '"localhost:4317"'],
      ['--sentry', 'true'],
      ['--usage-report', 'true'],
      ['--lint', 'true'],
    ] as const) {
      expect(text).to.match(new RegExp(`${flag} .{0,110}\\[default: ${value}\\]`), flag);
    }
  });

  for (const [line, reason] of [
    ['vresion', "There is no command 'vresion'; did you mean version?"],
    ['complete', "There is no command 'complete'"],
    ['config lnit', "There is no command 'config lnit'; did you mean init?"],
    ['config', 'config what?'],
    ['telemetry sohw', "There is no command 'telemetry sohw'; did you mean show?"],
    ['run --devv', 'There is no flag --devv of `run`; did you mean --dev?'],
    ['run --cofnig=x.yaml', 'There is no flag --cofnig of `run`; did you mean --config?'],
    ['version --no-sentri', 'did you mean --sentry?'],
    ['run -x', 'There is no flag -x of `run`'],
    ['run now', "`run` takes no 'now'"],
    ['run -c', '-c needs a value'],
    ['run --config=', '--config needs a value'],
    ['run --no-config', '--config needs a value'],
    ['run --usage-report=flase', "--usage-report takes true or false, not 'flase'"],
    ['plugin trust', '`plugin trust` needs a name'],
  ] as const) {
    it(`refuses \`${line}\`: ${reason}`, async () => {
      const error = await caught(parse(line.split(' ')));
      expect(error).to.include({ code: 'CLI_USAGE' });
      expect(error.message).to.contain(reason);
    });
  }

  it('takes the last of a flag that is given twice, and all of the names', async () => {
    const parsed = await parse([
      'plugin',
      'trust',
      'one',
      '-c',
      'a.yaml',
      'two',
      '-c',
      'b.yaml',
      '--sentry',
      '--no-sentry',
    ]);
    expect(parsed?.flags).to.include({ config: 'b.yaml', sentry: false });
    expect(parsed?.values).to.deep.equal(['one', 'two']);
  });

  it("reads true and false as Go's flags do", async () => {
    for (const [word, value] of [
      ['1', true],
      ['T', true],
      ['TRUE', true],
      ['0', false],
      ['f', false],
      ['False', false],
    ] as const) {
      expect((await parse(['run', `--dev=${word}`]))?.flags).to.include({ dev: value });
    }
    expect((await parse(['run', '--dev', '--sentry', 'false']))?.flags).to.include({ dev: true, sentry: false });
  });

  it('knows a flag that was not given from one that was', async () => {
    const parsed = await parse(['run']);
    expect(parsed?.flags).not.to.have.any.keys('config', 'plugin-config', 'sentry', 'usage-report', 'collector-url');
  });

  it('says what is wrong on stderr, with the help to look at, and ends with 2', async () => {
    const { code, stdout, stderr } = await gatewayd(['config', 'lnit']);
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: '' });
    expect(stderr).to.equal(
      "gatewayd: There is no command 'config lnit'; did you mean init?\n" +
        '  `gatewayd config --help` lists what there is.\n  (CLI_USAGE)\n',
    );
  });

  it('prints a script that completes commands, and completes them', async () => {
    const [script, words] = await Promise.all([
      gatewayd(['completion']),
      gatewayd(['--get-yargs-completions', 'gatewayd', 'plugin', 't']),
    ]);
    expect(script.code).to.equal(0);
    expect(script.stdout).to.contain('--get-yargs-completions');
    expect(words.stdout.split('\n').map((line) => line.split(':')[0])).to.include('trust');
  });

  it('ends quietly when somebody reads only its first line', async () => {
    const { code, stdout, stderr } = await command('/bin/sh', [
      '-c',
      `"${process.execPath}" "${launcher}" --help | head -n 1`,
    ]);
    expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: 'gatewayd <command>\n', stderr: '' });
  });

  it('says what to do in a clone that is not built', async () => {
    using folder = new Folder();
    const { code, stderr } = await command('cp', ['-R', launcher.replace(/\/gatewayd$/, ''), folder.at('clone')]);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    const answer = await command(process.execPath, [folder.at('clone/gatewayd'), 'version']);
    expect(answer.code).to.equal(1);
    expect(answer.stderr).to.contain('npm run build');
  });
});
