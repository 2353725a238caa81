import { GatewayDError } from '../errors.ts';
import type { BackendCondition } from './backend-pool.ts';
import { probePeriod } from './client-left.ts';
import { networkErrors } from './errors.ts';
import { Hold } from './intake.ts';
import { Link } from './link.ts';
import type { Socket } from 'node:net';
import { PlainStage } from './plain-stage.ts';
import type { Stage } from './stage.ts';

/** How long a database may take over what was asked by a client that does not wait for it any more. */
const leaveTimeout = 1000;

export interface RelayOptions {
  /** Where the backend is for others after this session: it is not ended with it then, and left paused. */
  readonly lent?: {
    /** A message that the client knows already: to write it is the only way to learn whether anybody is there. */
    readonly oldNews: Buffer;
  };
  /** False to use both sockets as streams in any case. */
  readonly direct?: boolean;
}

/** How a relay ended. */
export interface RelayEnd {
  readonly by: 'client' | 'server' | 'gateway';
  /** What the client does not know yet; null where it was told, has left, or expects nothing else. */
  readonly error: GatewayDError | null;
  /** Whether the client could read a message now: it has no part of another one. */
  readonly speakable: boolean;
  /** How the backend is left. */
  readonly condition: BackendCondition;
}

/** Carries bytes between a client and its database connection, from the start-up packet until one of them ends. */
export class Relay {
  /** Settles, and never rejects, when nothing more is carried. The sockets are then somebody else's to close. */
  readonly finished: Promise<RelayEnd>;
  readonly #link: Link;
  readonly #resolve: (end: RelayEnd) => void;
  #stage: Stage;
  #opened = false;
  #over = false;
  #draining = false;
  #held = false;
  readonly #oldNews: Buffer | null;
  #leaving: NodeJS.Timeout | undefined;
  /** The client that is leaving may still read what it has asked for. */
  #reading = false;
  #whenIdle: (() => void) | null = null;
  /** What has ended while plugins have the last that it sent, which goes first. */
  #clientEnded = false;
  #serverEnded = false;

  /** @param first what becomes of the bytes until `open` */
  constructor(client: Socket, server: Socket, first: (link: Link) => Stage, options: RelayOptions = {}) {
    const { promise, resolve } = withResolvers<RelayEnd>();
    this.finished = promise;
    this.#resolve = resolve;
    this.#oldNews = options.lent?.oldNews ?? null;
    this.#link = new Link(client, server, options.direct);
    this.#stage = first(this.#link);
    this.#link.clientIntake.replayTo(this.#onClientData, this.#onClientEnd);
    client.on('data', this.#onClientData).on('end', this.#onClientEnd).on('close', this.#onClientClose);
    server.on('data', this.#onServerData).on('end', this.#onServerEnd).on('close', this.#onServerEnd);
  }

  /** Sends the start-up packet to the database and goes on with what the client sent behind it. */
  start(startupPacket: Buffer, rest: Buffer): void {
    const { client, server } = this.#link;
    server.write(startupPacket);
    this.#link.clientIntake.giveBack(rest);
    client.resume();
    server.resume();
  }

  /** Instead of `start`, where the backend is logged in: greets the client, and reads neither side until `open`. */
  greet(greeting: Buffer, rest: Buffer): void {
    this.hold();
    this.#link.clientIntake.giveBack(rest);
    this.#link.toClient(greeting);
  }

  /**
   * The client wants nothing more, and the backend is for others: the relay ends when the database has answered what
   * it was asked. What it is still at after a while is given up.
   */
  left(): void {
    if (this.#over || (this.#leaving !== undefined && !this.#reading)) return;
    clearTimeout(this.#leaving);
    this.#reading = false;
    if (this.#stage.quiet) return this.#finish('client', null);
    this.#link.clientIntake.hold(Hold.Gate);
    this.#leaving = setTimeout(() => this.#finish('client', null), leaveTimeout);
    this.settle();
  }

  /**
   * The client will send nothing more: it has left, unless the database is at something that it may be waiting for. One
   * that has gone for good does not say so before it is written to, twice.
   */
  #stay(oldNews: Buffer): void {
    if (this.#leaving !== undefined) return;
    this.#reading = true;
    this.#leaving = setInterval(() => {
      if (this.#stage.speakable && !this.#link.clientFull) this.#link.toClient(oldNews);
    }, probePeriod);
    this.settle();
  }

  /** After `loggedIn` or `hold`: goes on in another way, which is given the two sockets. */
  open(makeStage: (link: Link) => Stage): void {
    if (this.#over) return;
    const before = this.#stage;
    this.#stage = makeStage(this.#link);
    this.#opened = true;
    before.close();
    this.#held = false;
    this.#link.clientIntake.release(Hold.Gate);
    this.#link.serverIntake.release(Hold.Gate);
    if (this.#stage instanceof PlainStage) this.#readDirectly();
    this.settle();
  }

  /** Not before the first bytes where plugins look at them: what ends while they have those, the stream tells at once. */
  #readDirectly(): void {
    this.#link.clientIntake.readDirectly(this.#onClientBytes);
    this.#link.serverIntake.readDirectly(this.#onServerBytes);
  }

  /** The client is logged in and waits for an answer of the database. */
  get owed(): boolean {
    return this.#opened && !this.#stage.quiet;
  }

  /** Bytes for the database that the kernel has not taken yet. */
  get unsent(): number {
    return this.#link.pendingToServer;
  }

  /** Ends the session as soon as the database owes the client nothing. */
  drain(): void {
    this.#draining = true;
    this.settle();
  }

  /** Calls `idle` once, as soon as the database owes the client nothing: at once, or in place of what was to be called then. */
  whenIdle(idle: () => void): void {
    this.#whenIdle = idle;
    this.settle();
  }

  /** While idle: reads neither side until `open`. */
  hold(): void {
    this.#held = true;
    this.#link.clientIntake.hold(Hold.Gate);
    this.#link.serverIntake.hold(Hold.Gate);
  }

  /** Whether something is to be done as soon as nothing is in flight. */
  get #awaitsIdle(): boolean {
    return this.#draining || this.#whenIdle !== null || this.#leaving !== undefined;
  }

  /** To be called when something in flight may have ended. */
  settle(): void {
    if (this.#over) return;
    if (this.#clientEnded && !this.#stage.clientBusy) this.#onClientEnd();
    if (this.#serverEnded && !this.#stage.serverBusy) this.#onServerEnd();
    if (this.#over || !this.#awaitsIdle) return;
    if (this.#leaving !== undefined && this.#stage.quiet) return this.#finish('client', null);
    // What the database still waits for does not come any more.
    if (this.#reading && !this.#stage.answering) return this.left();
    if (!this.#stage.idle) return;
    if (this.#draining) return this.fail(new GatewayDError(networkErrors.NETWORK_STOPPED));
    // The database has said goodbye: there is nothing to go on with.
    if (this.#held || this.#stage.endExpected) return;
    const idle = this.#whenIdle;
    this.#whenIdle = null;
    idle?.();
  }

  /** Ends the relay now; `error` is what the client is to be told, null where it knows. */
  fail(error: GatewayDError | null): void {
    this.#finish('gateway', error);
  }

  readonly #onClientData = (chunk: Buffer): void => {
    this.#fromClient(chunk, false);
    if (this.#opened && !this.#over) this.#link.clientIntake.readDirectly(this.#onClientBytes);
  };

  readonly #onServerData = (chunk: Buffer): void => {
    this.#fromServer(chunk, false);
    if (this.#opened && !this.#over) this.#link.serverIntake.readDirectly(this.#onServerBytes);
  };

  readonly #onClientBytes = (bytes: Buffer): void => this.#fromClient(bytes, true);
  readonly #onServerBytes = (bytes: Buffer): void => this.#fromServer(bytes, true);

  #fromClient(chunk: Buffer, borrowed: boolean): void {
    try {
      this.#stage.fromClient(chunk, borrowed);
    } catch (error) {
      this.#break(error, this.#stage.speakable);
    }
  }

  #fromServer(chunk: Buffer, borrowed: boolean): void {
    const { speakable } = this.#stage;
    try {
      this.#stage.fromServer(chunk, borrowed);
    } catch (error) {
      this.#break(error, speakable);
    }
    if (this.#awaitsIdle) this.settle();
  }

  /** The client will send nothing more, and may still read: the database learns of it, and ends when it is done. */
  readonly #onClientEnd = (): void => {
    if (this.#oldNews !== null) return this.#stay(this.#oldNews);
    this.#clientEnded = this.#stage.clientBusy;
    if (!this.#clientEnded) this.#link.endServer();
  };

  readonly #onClientClose = (): void => this.#finish('client', null);

  readonly #onServerEnd = (): void => {
    this.#serverEnded = this.#stage.serverBusy;
    if (this.#serverEnded) return;
    const { endExpected } = this.#stage;
    const expected = endExpected || this.#link.client.readableEnded;
    this.#finish('server', expected ? null : new GatewayDError(networkErrors.NETWORK_DATABASE_CLOSED));
  };

  #break(error: unknown, speakable: boolean): void {
    const known = error instanceof GatewayDError && error.sqlstate !== undefined;
    const told = known ? error : new GatewayDError(networkErrors.NETWORK_INTERNAL, {}, { cause: error });
    this.#finish('gateway', told, speakable);
  }

  #finish(by: RelayEnd['by'], error: GatewayDError | null, speakable = this.#stage.speakable): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#leaving);
    const { idle, quiet } = this.#stage;
    const { client, server } = this.#link;
    client.off('data', this.#onClientData).off('end', this.#onClientEnd).off('close', this.#onClientClose);
    server.off('data', this.#onServerData).off('end', this.#onServerEnd).off('close', this.#onServerEnd);
    this.#link.detach();
    this.#stage.close();
    if (this.#oldNews !== null) server.pause();
    this.#resolve({ by, error, speakable, condition: idle ? 'idle' : quiet ? 'in transaction' : 'busy' });
  }
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
