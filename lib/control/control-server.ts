import { once } from 'node:events';
import { chmodSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { GatewayDError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { controlErrors } from './errors.ts';
import { unsafe } from './private-folder.ts';
import { type ControlAnswer, type ControlRequest, controlVersion, firstLine, lineOf, longestRequest } from './wire.ts';

/** What can be asked of a running gatewayd, by its name; gives something that JSON can hold. */
export type ControlCommands = Readonly<Record<string, (values: Readonly<Record<string, unknown>>) => unknown>>;

/** Connections at a time: nobody needs more, and each costs a file handle. */
const mostConnections = 16;
/** How long a request may take to arrive, and its answer to be read, in milliseconds. */
const usualTimeout = 10_000;

/**
 * Where commands of the same user reach this gatewayd: a Unix socket that only its owner can open (on Windows a named
 * pipe). It never keeps gatewayd from running: without it, commands cannot reach it, and the log says so once.
 */
export class ControlServer {
  readonly #commands: ControlCommands;
  readonly #logger: Logger;
  readonly #timeout: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections whose request is being dealt with. */
  readonly #busy = new Set<Promise<void>>();

  /** @param timeout for a request to arrive and for its answer to be read, in milliseconds */
  constructor(commands: ControlCommands, logger: Logger, timeout: number = usualTimeout) {
    this.#commands = commands;
    this.#logger = logger;
    this.#timeout = timeout;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = mostConnections;
    this.#server.unref();
  }

  /** Listens on the first of the paths that can be used. Never throws. */
  async listen(paths: readonly string[]): Promise<void> {
    const failures: GatewayDError[] = [];
    for (const path of paths) {
      const failure = await this.#tryToListen(path);
      if (failure === null) return this.#logger.debug({ socket: path }, 'control socket');
      failures.push(failure);
    }
    const said = failures.find(({ code }) => code === controlErrors.CONTROL_HELD.code) ?? failures[0];
    if (said !== undefined) this.#logger.warn({ code: said.code, mend: said.mend }, said.message);
  }

  /** Accepts nobody any more; those that wait for an answer get it. Settles when all are gone. */
  async close(): Promise<void> {
    if (this.#server.listening) this.#server.close();
    await Promise.all(this.#busy);
    for (const socket of this.#sockets) socket.destroy();
  }

  async #tryToListen(path: string): Promise<GatewayDError | null> {
    const unusable = (reason: string): GatewayDError =>
      new GatewayDError(controlErrors.CONTROL_UNUSABLE, { socket: path, reason });
    const reason = unsafe(path);
    if (reason !== null) return unusable(reason);
    try {
      await this.#bind(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return unusable(messageOf(error));
      if (await answers(path)) return new GatewayDError(controlErrors.CONTROL_HELD, { socket: path });
      try {
        unlinkSync(path);
        await this.#bind(path);
      } catch (again) {
        return unusable(messageOf(again));
      }
    }
    this.#server.on('error', () => undefined);
    return null;
  }

  async #bind(path: string): Promise<void> {
    const listening = once(this.#server, 'listening');
    this.#server.listen(path);
    await listening;
    // The folder keeps others out already.
    if (process.platform !== 'win32') chmodSync(path, 0o600);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    socket.unref();
    void this.#serve(socket);
  }

  async #serve(socket: Socket): Promise<void> {
    // Not of its being idle: whoever sends a byte now and then would keep a place.
    const arriving = this.#endIn(socket);
    const line = await firstLine(socket, longestRequest);
    clearTimeout(arriving);
    if (socket.destroyed) return;
    socket.resume();
    const answering = this.#answer(line);
    const answered = answering.then((answer) => {
      socket.end(lineOf(answer));
      const reading = this.#endIn(socket);
      socket.once('close', () => clearTimeout(reading));
    });
    this.#busy.add(answered);
    await answered.finally(() => this.#busy.delete(answered));
  }

  #endIn(socket: Socket): NodeJS.Timeout {
    return setTimeout(() => socket.destroy(), this.#timeout).unref();
  }

  async #answer(line: string | null): Promise<ControlAnswer> {
    try {
      const { command, values } = readRequest(line);
      const run = Object.hasOwn(this.#commands, command) ? this.#commands[command] : undefined;
      if (run === undefined) throw bad(`there is no command ${JSON.stringify(command)}`);
      return { version: controlVersion, result: await run(values) };
    } catch (error) {
      if (!(error instanceof GatewayDError)) this.#logger.error({ err: error }, 'a command failed');
      const { code, message, mend } =
        error instanceof GatewayDError ? error : { code: '', message: messageOf(error), mend: 'Look into the log.' };
      return { version: controlVersion, error: { code, message, mend } };
    }
  }
}

/** @throws {GatewayDError} CONTROL_BAD_REQUEST */
function readRequest(line: string | null): ControlRequest {
  if (line === null) throw bad(`it is no line, or one of more than ${longestRequest} bytes`);
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch {
    throw bad('it is no JSON');
  }
  const { version, command, values } = (request ?? {}) as Partial<ControlRequest>;
  if (version !== controlVersion)
    throw bad(`its version is ${JSON.stringify(version)}, and ${controlVersion} is known`);
  if (typeof command !== 'string') throw bad('it names no command');
  if (typeof values !== 'object' || values === null) throw bad('it has no values');
  return { version, command, values };
}

function bad(reason: string): GatewayDError {
  return new GatewayDError(controlErrors.CONTROL_BAD_REQUEST, { reason });
}

/** Whether anybody listens there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => resolve(true));
    probe.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
    probe.on('connect', () => probe.destroy());
  });
}
