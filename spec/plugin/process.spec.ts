import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { PluginBed, quietPlugin, type LogLine } from '../support/plugins.ts';

const script = fileURLToPath(new URL('../support/host-process.ts', import.meta.url));

/** A real process that hosts plugins, and its log. */
class HostProcess {
  readonly #child: ChildProcess;
  readonly #lines: LogLine[] = [];
  readonly #ended: Promise<unknown[]>;
  #arrived: () => void = () => undefined;
  #stderr = '';

  constructor(directory: string) {
    this.#child = spawn(process.execPath, ['--import', 'tsx', script, directory], { timeout: 15_000 });
    this.#ended = once(this.#child, 'close');
    this.#child.stderr?.on('data', (text: Buffer) => (this.#stderr += text.toString()));
    createInterface(this.#child.stdout!).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as LogLine);
      this.#arrived();
    });
  }

  say(word: string): void {
    this.#child.stdin?.write(`${word}\n`);
  }

  /** The first line of the log that fits, as soon as there is one. */
  async line(fits: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = this.#lines.find(fits);
      if (found) return found;
      const next = await Promise.race([
        new Promise<true>((resolve) => (this.#arrived = () => resolve(true))),
        this.#ended.then(() => false),
      ]);
      if (!next && !this.#lines.some(fits)) throw new Error(`ended without it:\n${this.#stderr}`);
    }
  }

  async exitCode(): Promise<unknown> {
    return (await this.#ended)[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

const stackOf = (line: LogLine): string => (line['err'] as { readonly stack: string }).stack;

describe('a process that hosts plugins', () => {
  it('goes on after errors that plugins left uncaught, each reported with the line in its own file', async () => {
    await using bed = new PluginBed();
    bed.copy('wild').copy('leaves-timers');
    await using host = new HostProcess(bed.directory);
    await host.line(({ msg }) => msg === 'ready');
    const exit = await host.line(({ plugin, code }) => plugin === 'exiting' && code === 'PLUGIN_EXIT');
    expect(exit).to.include({ phase: 'async', hook: null });

    host.say('startup');
    const later = await host.line(({ plugin, phase }) => plugin === 'typed' && phase === 'async');
    expect(later).to.include({ code: 'PLUGIN_UNCAUGHT', hook: 'startup' });
    expect(later.msg).to.include('thrown in a timer');
    expect(stackOf(later)).to.include('/typed.ts:14:13');
    const now = await host.line(({ plugin, phase }) => plugin === 'typed' && phase === 'hook');
    expect(now).to.include({ code: 'PLUGIN_TAP_FAILED', hook: 'startup' });
    expect(now.msg).to.include('thrown in the same house');
    expect(stackOf(now)).to.include('/typed.ts:21:13');
    const rejected = await host.line(({ plugin, phase }) => plugin === 'rejecting' && phase === 'async');
    expect(rejected.msg).to.include('undefined');

    host.say('stop');
    // A timer that a plugin left does not hold the process.
    expect(await host.exitCode()).to.equal(0);
    expect(await host.line(({ code }) => code === 'PLUGIN_LEFT_TIMER')).to.include({ plugin: 'untidy' });
  });

  it('ends with code 1 after an error that is no plugin’s', async () => {
    await using bed = new PluginBed();
    bed.write('good.js', quietPlugin());
    await using host = new HostProcess(bed.directory);
    await host.line(({ msg }) => msg === 'ready');
    host.say('fault');
    expect(await host.line(({ msg }) => msg === 'not contained')).to.include({ origin: 'unhandledRejection' });
    expect(await host.exitCode()).to.equal(1);
  });
});
