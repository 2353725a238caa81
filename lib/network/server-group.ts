import type { Socket } from 'node:net';
import { milliseconds } from '../config/durations.ts';
import { GatewayDError } from '../errors.ts';
import { emit } from '../hooks/dispatch.ts';
import { networkErrors } from './errors.ts';
import { Newcomers } from './newcomers.ts';
import type { Server } from './server.ts';
import type { ServerPlan, ServerSurroundings } from './server-plan.ts';
import { Session } from './session.ts';

/** How long clients may take to read why they are ended, in milliseconds. */
const lastWordsTimeout = 2000;

/** A server with its sessions, and the plan that new ones go by. */
export class ServerGroup {
  readonly name: string;
  readonly #surroundings: ServerSurroundings;
  readonly #sessions = new Map<Session, Promise<void>>();
  readonly #newcomers = new Newcomers<Session>();
  #plan: ServerPlan;
  #server: Server | null;
  #ticker: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(plan: ServerPlan, server: Server, surroundings: ServerSurroundings) {
    this.name = plan.name;
    this.#surroundings = surroundings;
    this.#plan = plan;
    this.#server = server;
    this.#begin(plan, server);
  }

  get plan(): ServerPlan {
    return this.#plan;
  }

  /** Where it listens; null once it has left. */
  get server(): Server | null {
    return this.#server;
  }

  get sessions(): number {
    let count = 0;
    for (const session of this.#sessions.keys()) if (session.counted) count += 1;
    return count;
  }

  /**
   * New sessions go by another plan from now on, and come in by a socket that listens already; those there are go on
   * as they are.
   */
  adopt(plan: ServerPlan, server: Server): void {
    this.#retire();
    this.#begin(plan, server);
  }

  /** Lets the sessions there are go on without a socket, which is somebody else's to close. Settles when all are over. */
  async leave(): Promise<void> {
    this.#server = null;
    this.#retire();
    await Promise.all(this.#sessions.values());
  }

  /**
   * Stops to accept, lets the sessions end within `drainTimeout`, then tells the rest and ends them; what does not
   * even read that is cut off. Settles when all are closed.
   */
  async close(): Promise<void> {
    this.#stop();
    for (const session of this.#sessions.keys()) session.drain();
    let timer = setTimeout(() => {
      for (const session of this.#sessions.keys()) session.terminate(new GatewayDError(networkErrors.NETWORK_STOPPED));
      timer = setTimeout(() => this.destroy(), lastWordsTimeout);
    }, milliseconds(this.#plan.config.drainTimeout));
    await Promise.all(this.#sessions.values());
    clearTimeout(timer);
  }

  /** Stops to accept and cuts all connections. */
  destroy(): void {
    this.#stop();
    for (const session of this.#sessions.keys()) session.destroy();
  }

  #stop(): void {
    this.#stopping = true;
    this.#retire();
    this.#server?.close();
  }

  #begin(plan: ServerPlan, server: Server): void {
    this.#plan = plan;
    this.#server = server;
    plan.tls?.watch();
    for (const check of plan.healthChecks) check.start();
    server.handTo(this.name, (socket) => this.#accept(socket));
    this.#tick();
  }

  /** Ends what goes on by itself for the plan in force. */
  #retire(): void {
    clearInterval(this.#ticker);
    this.#plan.tls?.close();
    for (const check of this.#plan.healthChecks) check.stop();
  }

  #accept(socket: Socket): void {
    const session = new Session(nextId(), socket, this.#plan.context);
    const over = session.run().finally(() => {
      this.#sessions.delete(session);
      this.#newcomers.leave(session);
    });
    this.#sessions.set(session, over);
    const { maxUnauthenticated: limit } = this.#plan.config;
    const values = { server: this.name, limit };
    const out = this.#newcomers.admit(session, limit);
    out?.terminate(new GatewayDError(networkErrors.NETWORK_TOO_MANY_UNAUTHENTICATED, values));
    // The system may have accepted it before we stopped.
    if (this.#stopping) session.drain();
  }

  #tick(): void {
    const { enableTicker, tickInterval } = this.#plan.config;
    if (!enableTicker || this.#stopping) return;
    const { generations, connections } = this.#surroundings;
    const tick = (): void => emit(generations.current.hooks.tick, { connections: connections() });
    this.#ticker = setInterval(tick, milliseconds(tickInterval)).unref();
  }
}

let lastId = 0;

function nextId(): string {
  lastId += 1;
  return String(lastId);
}
