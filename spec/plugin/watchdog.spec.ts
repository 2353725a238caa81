import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { PluginBed, type LogLine } from '../support/plugins.ts';

const script = fileURLToPath(new URL('../support/hang-process.ts', import.meta.url));

/** A real process whose plugins are watched. */
class WatchedProcess {
  readonly child: ChildProcess;
  readonly said: LogLine[] = [];
  readonly logged: LogLine[] = [];
  readonly #ended: Promise<unknown[]>;
  #heard: () => void = () => undefined;

  constructor(directory: string) {
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    this.child = spawn(process.execPath, ['--import', 'tsx', script, directory], { timeout: 30_000, env });
    this.#ended = once(this.child, 'close');
    const collect = (lines: LogLine[]) => (line: string) => {
      if (line.startsWith('{')) lines.push(JSON.parse(line) as LogLine);
      this.#heard();
    };
    createInterface(this.child.stderr!).on('line', collect(this.said));
    createInterface(this.child.stdout!).on('line', collect(this.logged));
    void this.#ended.then(() => this.#heard());
  }

  tell(line: string): void {
    this.child.stdin!.write(`${line}\n`);
  }

  end(line: string): void {
    this.child.stdin!.end(`${line}\n`);
  }

  async exitCode(): Promise<unknown> {
    return (await this.#ended)[0];
  }

  async until(lines: readonly LogLine[], fits: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = lines.find(fits);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error('it ended without that');
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#ended;
  }
}

const ready = ({ msg }: LogLine): boolean => msg === 'ready';

describe('the watchdog', () => {
  it('names a plugin in an endless loop, its hook and its line, while it still hangs', async () => {
    await using bed = new PluginBed();
    bed.write(
      'endless.js',
      `export default { version: '1.0.0', apply(host) {
        host.hooks.signal.tap('spin', () => { spin(); });
      } };
      function spin() {
        for (;;) Math.random();
      }`,
    );
    await using watched = new WatchedProcess(bed.directory);
    await watched.until(watched.logged, ready);
    watched.tell('SIGHUP');
    const said = await watched.until(watched.said, ({ code }) => code === 'PLUGIN_HANGS');
    expect(said).to.include({ plugin: 'endless', hook: 'signal', tap: 'endless:spin', level: 'error' });
    expect((said['stack'] as string[])[0]).to.match(/^at spin \(.*endless\.js:5:\d+\)$/);
    expect(watched.child.exitCode).to.be.null;
    expect(watched.logged.some(({ msg }) => msg === 'done')).to.be.false;
  });

  it('knows a hang from a process that is stopped, and puts each on record when it is over', async () => {
    await using bed = new PluginBed();
    const onSignal = (name: string, body: string) => `
      import { execFileSync } from 'node:child_process';
      export default { version: '1.0.0', apply(host) {
        host.hooks.signal.tap('${name}', ({ signal }) => { if (signal === '${name}') { ${body} } });
      } };`;
    bed.write('sleeper.js', onSignal('sleep', `execFileSync('sleep', ['4']);`));
    bed.write(
      'timer.js',
      onSignal('later', `setTimeout(function loop() { for (const end = Date.now() + 1500; Date.now() < end; ); }, 1);`),
    );
    await using watched = new WatchedProcess(bed.directory);
    await watched.until(watched.logged, ready);
    const done = (count: number) =>
      watched.until(watched.logged, () => watched.logged.filter(({ msg }) => msg === 'done').length >= count);

    watched.child.kill('SIGSTOP');
    await delay(900);
    watched.child.kill('SIGCONT');
    watched.tell('nothing');
    await done(1);
    expect(watched.said).to.deep.equal([]);

    // Inside a call of the system's there is no stack to be had.
    watched.tell('sleep');
    const asleep = await watched.until(watched.said, ({ plugin }) => plugin === 'sleeper');
    expect(asleep).to.include({ code: 'PLUGIN_HANGS', hook: 'signal', tap: 'sleeper:sleep' });
    const hung = await watched.until(watched.logged, ({ code }) => code === 'PLUGIN_HUNG');
    expect(hung).to.include({ plugin: 'sleeper', hook: 'signal', phase: 'hook' });
    expect(Number(/(\d+) ms$/.exec(hung.msg)![1])).to.be.within(400, 10_000);

    // Outside of any tap the stack tells.
    watched.tell('later');
    const later = await watched.until(watched.said, ({ plugin }) => plugin === 'timer');
    expect(later).to.include({ hook: null });
    expect((later['stack'] as string[])[0]).to.match(/^at loop \(.*timer\.js:4:\d+\)$/);

    watched.end('stop');
    await watched.until(watched.logged, ({ msg }) => msg === 'ended');
    expect(await watched.exitCode()).to.equal(0);
  });
});
