import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ownHome } from './own-home.ts';

/** The launcher of this checkout. */
export const launcher = fileURLToPath(new URL('../../bin/gatewayd', import.meta.url));

/** One line of the JSON log. */
export interface LogLine {
  readonly level: string | number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface StartOptions {
  readonly launcher?: string;
  readonly cwd?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/** The environment of a spec's process: this one's without what would steer gatewayd, and with a home of its own. */
export function cleanEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^GATEWAYD|^DO_NOT_TRACK$|^NODE_OPTIONS$|^PG[A-Z]+$|^XDG_/.test(name),
  );
  return { ...Object.fromEntries(own), ...ownHome, ...extra };
}

/** A real `gatewayd` process, its JSON log read line by line. */
export class GatewayDProcess implements AsyncDisposable {
  readonly lines: LogLine[] = [];
  /** Whatever was printed that is no JSON line, and all of stderr. */
  readonly text: string[] = [];
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(args: readonly string[], options: StartOptions = {}) {
    this.#child = spawn(process.execPath, [options.launcher ?? launcher, ...args], {
      cwd: options.cwd,
      env: options.environment ?? cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('the child has no output');
    createInterface({ input: stdout }).on('line', (line) => this.#take(line));
    createInterface({ input: stderr }).on('line', (line) => this.#take(line));
    this.exited = once(this.#child, 'close').then(([code, signal]) => {
      this.#ended = true;
      this.#wake();
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
  }

  /** Starts `gatewayd` and waits until its servers listen. */
  static async start(args: readonly string[], options: StartOptions = {}): Promise<GatewayDProcess> {
    const started = new GatewayDProcess(args, options);
    await started.line((line) => line.msg === 'ready');
    return started;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the process did not start');
    return this.#child.pid;
  }

  /** The port of the first server, once it listens. */
  get port(): number {
    const ready = this.lines.find((line) => line.msg === 'ready');
    if (ready === undefined) throw new Error('the servers do not listen yet');
    const [server] = ready['servers'] as { address: string }[];
    return Number(server?.address.split(':').at(-1));
  }

  /** The first line, past or to come, that `matches`. Rejects with all that was printed when the process ends before. */
  async line(matches: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = this.lines.find(matches);
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`the process ended first; it printed:\n${this.output()}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  output(): string {
    return [...this.lines.map((line) => JSON.stringify(line)), ...this.text].join('\n');
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (!this.#ended) this.kill(signal);
    return await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
  }

  #take(line: string): void {
    try {
      this.lines.push(JSON.parse(line) as LogLine);
    } catch {
      this.text.push(line);
    }
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
