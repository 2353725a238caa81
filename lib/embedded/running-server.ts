import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Socket } from 'node:net';
import { GatewayDError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { embeddedErrors } from './errors.ts';
import type { Guard } from './guard.ts';

/** How many of PostgreSQL's last lines explain why it did not start. */
const rememberedLines = 6;

/** A PostgreSQL server that a guard runs, seen through what it says. */
export class RunningServer {
  readonly #guard: Guard;
  readonly #logger: Logger;
  readonly #directory: string;
  readonly #ended: Promise<void>;
  readonly #lastLines: string[] = [];
  #version = '';
  #pid = 0;
  #stopping = false;

  constructor(guard: Guard, { logger, directory }: { logger: Logger; directory: string }) {
    this.#guard = guard;
    this.#logger = logger;
    this.#directory = directory;
    // `error` where it could not even be started; then no `exit` follows.
    this.#ended = new Promise((resolve) => {
      guard.once('exit', () => resolve());
      guard.once('error', (error) => {
        this.#lastLines.push(error.message);
        resolve();
      });
    });
    guard.stdin.on('error', () => {}); // the guard has ended before us: `exit` tells
  }

  /** Resolves when the server takes connections; rejects when it ends instead. */
  async ready(): Promise<{ version: string; pid: number }> {
    const lines = createInterface({ input: this.#guard.stderr });
    const linesEnded = once(lines, 'close');
    const listening = new Promise<true>((resolve) => {
      lines.on('line', (line) => {
        this.#logger.debug({ part: 'postgresql' }, line);
        if (this.#remember(line)) resolve(true);
      });
    });
    const started = await Promise.race([listening, this.#ended]);
    if (started !== true) {
      await linesEnded;
      throw this.#failure();
    }
    void this.#ended.then(() => {
      if (!this.#stopping) this.#logger.error({ output: this.#lastLines }, 'the embedded PostgreSQL ended by itself');
    });
    this.#letProcessEnd();
    return { version: this.#version, pid: this.#pid };
  }

  /** Stops the server, and waits until it is gone and so is what was temporary. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#guard.ref();
    this.#guard.stdin.end();
    await this.#ended;
  }

  /** True when the line says that the server is ready. */
  #remember(line: string): boolean {
    this.#lastLines.push(line);
    if (this.#lastLines.length > rememberedLines) this.#lastLines.shift();
    this.#pid = Number(/^gatewayd-guard: process (\d+)$/.exec(line)?.[1] ?? this.#pid);
    this.#version = / starting PostgreSQL (\S+)/.exec(line)?.[1] ?? this.#version;
    return line.endsWith('database system is ready to accept connections');
  }

  /** A program with nothing else to do may end; the server ends with it. */
  #letProcessEnd(): void {
    this.#guard.unref();
    for (const pipe of [this.#guard.stdin, this.#guard.stderr]) (pipe as unknown as Socket).unref();
  }

  #failure(): GatewayDError {
    const output = this.#lastLines.join(' / ');
    const directory = this.#directory;
    const pid = /lock file "postmaster\.pid" already exists.*\(PID (\d+)\)/.exec(output)?.[1];
    if (pid !== undefined) return new GatewayDError(embeddedErrors.EMBEDDED_DIRECTORY_IN_USE, { directory, pid });
    return new GatewayDError(embeddedErrors.EMBEDDED_START_FAILED, { output });
  }
}
