import type { Socket } from 'node:net';
import { GatewayDError } from '../errors.ts';
import { bailNow, callBail, callSeries, emit, seriesNow } from '../hooks/dispatch.ts';
import type { Lease, Tenant } from '../hooks/generation.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { Address, Opening, Session as SessionFacts } from '../hooks/payloads.ts';
import { makeRefusal, type WireError } from '../hooks/verdict.ts';
import type { TransactionStatus } from '../protocol/codes.ts';
import type { StartupMessage } from '../protocol/startup.ts';
import { Conversation } from '../traffic/conversation.ts';
import { clientLeft } from './client-left.ts';
import { addressOf, type Connection } from './database.ts';
import type { BackendCondition } from './backend-pool.ts';
import { directSocketsWork } from './direct-sockets-work.ts';
import { networkErrors } from './errors.ts';
import { Frontend, type Greeting } from './frontend.ts';
import { admit } from './gatekeeper.ts';
import { GateStage } from './gate-stage.ts';
import { greetingOf, oldNewsOf } from './greeting.ts';
import { Interruption } from './interruption.ts';
import type { Link } from './link.ts';
import type { LoggedInBackend } from './logged-in-backend.ts';
import { LoginStage, type LoginWatcher } from './login-stage.ts';
import { noticeOf } from './notice-of.ts';
import { placeSession } from './place-session.ts';
import { PlainStage } from './plain-stage.ts';
import { Relay, type RelayEnd } from './relay.ts';
import type { SessionContext } from './session-context.ts';
import { type SessionState, transition } from './session-state.ts';
import type { Lender, Stage } from './stage.ts';
import { watchStalls } from './stall-watch.ts';
import { TappedStage, type TappedWatcher } from './tapped-stage.ts';

/** How many a plugin may have for a client that is not let in yet. */
const mostNotices = 100;

type Begun = Greeting & { readonly kind: 'session' };
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One client's connection, from accepting it until it is closed, and the database connection it is given. */
export class Session implements Tenant {
  readonly id: string;
  readonly #context: SessionContext;
  readonly #frontend: Frontend;
  /** Ends whatever the session waits for before it has a relay. */
  readonly #interruption = new Interruption();
  readonly #loginTimer: NodeJS.Timeout | undefined;
  /** The generation of plugins it is in. */
  #lease: Lease;
  #state: SessionState = 'starting';
  #facts: Mutable<SessionFacts> | null = null;
  #connection: Connection | null = null;
  #relay: Relay | null = null;
  #conversation: Conversation | null = null;
  #forgetKey: (() => Promise<void>) | null = null;
  /** For the client, once the database lets it in. */
  readonly #notices: Buffer[] = [];
  /** Where the backend goes on to others. */
  #lender: Lender | null = null;
  /** How the relay left the backend. */
  #condition: BackendCondition = 'idle';

  /** @param id unique in this process */
  constructor(id: string, socket: Socket, context: SessionContext) {
    this.id = id;
    this.#context = context;
    this.#lease = context.generations.lease(this);
    this.#frontend = new Frontend(socket, context, () => this.#interruption.interrupt(clientLeft));
    if (context.loginTimeout > 0) this.#loginTimer = setTimeout(() => this.#expire(), context.loginTimeout);
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Where the client is: an IP address, or the path of a Unix socket. */
  get host(): string {
    return this.#frontend.address.host;
  }

  /** Whether `opening` has been reached: health checks and cancel requests never do. */
  get counted(): boolean {
    return this.#facts !== null;
  }

  /** Serves the client. Settles when its connection and the database's are closed and all plugins know; never rejects. */
  async run(): Promise<void> {
    try {
      const greeting = await this.#interruption.wait(this.#frontend.greet());
      if (greeting?.kind === 'cancel') await this.#context.cancels.cancel(greeting.bytes);
      if (greeting?.kind === 'session') await this.#serve(greeting);
    } catch (error) {
      this.#fail(error);
    }
    await this.#close();
  }

  /** Lets the client finish what it is at, then ends the session; one that is not logged in yet is ended now. */
  drain(): void {
    if (this.#relay === null) this.terminate(new GatewayDError(networkErrors.NETWORK_STOPPING));
    else this.#relay.drain();
  }

  superseded(): void {
    if (this.#facts === null) this.#takeLease().release();
    else this.#relay?.whenIdle(() => this.#move());
  }

  evicted(lease: Lease): void {
    if (lease === this.#lease) this.terminate(new GatewayDError(networkErrors.NETWORK_PLUGINS_RELOADED));
  }

  /** Ends the session now; the client is told why where it can be. */
  terminate(error: GatewayDError): void {
    if (this.#relay === null) this.#interruption.interrupt(error);
    else this.#relay.fail(error);
  }

  /** Cuts both connections. */
  destroy(): void {
    this.#interruption.interrupt(clientLeft);
    this.#relay?.fail(null);
    this.#frontend.destroy();
    this.#connection?.socket.destroy();
  }

  async #serve({ startup, bytes }: Begun): Promise<void> {
    // Of the first session only, this takes longer than an instant; meanwhile it is on its way to its backend.
    const directSockets = directSocketsWork(this.#context.logger);
    const facts = this.#introduce(startup);
    this.#facts = facts;
    this.#to('opening');
    const refusal = await this.#askToOpen(facts);
    if (refusal !== null) return this.#turnAway(refusal);
    const { gatekeeper } = this.#context;
    if (gatekeeper !== null) {
      this.#to('authenticating');
      await admit(gatekeeper, this.#frontend, startup, this.#interruption);
    }
    this.#to('waiting');
    const connection = await placeSession({
      context: this.#context,
      hooks: this.#hooks,
      session: facts,
      notice: (message) => this.#notice(message),
      interruption: this.#interruption,
    });
    this.#connection = connection;
    facts.server = addressOf(connection.endpoint);
    const direct = await directSockets;
    this.#interruption.throwIfInterrupted();
    const carried = this.#carry(connection, startup, bytes, direct);
    const unwatch = this.#watch(connection);
    this.#part(await carried);
    unwatch();
  }

  /** Shows the client a message: as soon as it is let in, which at a database of its own is later. */
  #notice(message: string): void {
    // A plugin can keep the function; what comes later could come within a message of the database.
    if (this.#state !== 'waiting') return;
    if (this.#context.gatekeeper !== null) this.#frontend.say(noticeOf(message));
    else if (this.#notices.length < mostNotices) this.#notices.push(noticeOf(message));
  }

  /** Sees that the database is not waited for longer than its block of `clients` says. */
  #watch({ limits, database, socket }: Connection): () => void {
    const relay = this.#relay;
    if (limits === null || relay === null) return () => undefined;
    return watchStalls(limits, { database, socket, relay, fail: (error) => relay.fail(error) });
  }

  #introduce({ parameters }: StartupMessage): Mutable<SessionFacts> {
    const user = parameters.get('user') ?? '';
    // PostgreSQL takes an empty database for none.
    const database = parameters.get('database') || user;
    const { address: client, tls } = this.#frontend;
    return { id: this.id, client, server: null as Address | null, tls, user, database, parameters, moved: false };
  }

  async #askToOpen(session: SessionFacts): Promise<WireError | null> {
    const answer = bailNow(this.#hooks.opening, openingOf(session));
    const refusal = answer instanceof Promise ? await this.#interruption.wait(answer) : answer;
    return refusal === undefined ? null : refusal.error;
  }

  #carry(connection: Connection, startup: StartupMessage, bytes: Buffer, direct: boolean): Promise<RelayEnd> {
    const { backend } = connection;
    if (backend !== null) return this.#lend(backend, connection, startup.minor, direct);
    return this.#logIn(connection, bytes, direct);
  }

  /** The client logs in at the database. */
  #logIn({ socket, endpoint }: Connection, startupPacket: Buffer, direct: boolean): Promise<RelayEnd> {
    this.#to('authenticating');
    const { socket: client, rest } = this.#frontend.takeOver();
    const watcher: LoginWatcher = {
      notices: Buffer.concat(this.#notices),
      backendKey: (key) => {
        // One connection has one key, whatever the database says: the registry must not grow by what nobody forgets.
        void this.#forgetKey?.();
        this.#forgetKey = this.#context.cancels.add(key, endpoint);
      },
      loggedIn: (status) => this.#opened(relay, status),
    };
    const relay = new Relay(client, socket, (link) => new LoginStage(link, watcher), { direct });
    this.#relay = relay;
    relay.start(startupPacket, rest);
    return relay.finished;
  }

  /** The client is given a backend that is logged in, with a key that dies with the session. */
  #lend(backend: LoggedInBackend, { endpoint }: Connection, minor: number, direct: boolean): Promise<RelayEnd> {
    const server = backend.lend();
    if (backend.error !== null) throw backend.error;
    const { cancels } = this.#context;
    const key = backend.key === null ? null : cancels.makeKey(backend.key, minor >= 2 ? 32 : 4);
    if (key !== null && backend.key !== null) this.#forgetKey = cancels.add(key, endpoint, backend.key);
    const { socket: client, rest, unsaid } = this.#frontend.takeOver();
    const relay = new Relay(client, server, () => new GateStage(), {
      lent: { oldNews: oldNewsOf(backend.reports) },
      direct,
    });
    this.#relay = relay;
    this.#lender = { left: () => relay.left(), parameter: (body) => backend.note(body) };
    relay.greet(Buffer.concat([unsaid, ...greetingOf(backend.reports, key)]), rest);
    this.#opened(relay, 'I');
    return relay.finished;
  }

  #opened(relay: Relay, status: TransactionStatus): void {
    clearTimeout(this.#loginTimer);
    this.#to('open');
    const facts = this.#facts as SessionFacts;
    this.#debug({ tls: facts.tls }, 'session opened');
    callSeries(this.#hooks.opened, facts, () => {
      relay.open((link) => this.#makeStage(link, relay, facts, status));
      if (this.#lease.generation !== this.#context.generations.current) this.superseded();
    });
  }

  /**
   * Goes over to the current generation of plugins: to those of the old one the session closes, to those of the new one
   * it opens, so that each sees the whole of what it sees. Neither side is read meanwhile.
   */
  #move(): void {
    const { generations } = this.#context;
    const relay = this.#relay;
    const old = this.#facts;
    if (relay === null || old === null || this.#lease.generation === generations.current) return;
    relay.hold();
    const facts = { ...old, moved: true };
    const lease = this.#takeLease();
    this.#facts = facts;
    const { closing, closed } = lease.generation.hooks;
    callSeries(closing, old, () => callSeries(closed, old, () => lease.release()));
    callBail(this.#hooks.opening, openingOf(facts), (refusal) => {
      if (this.#state !== 'open') return;
      if (refusal !== undefined) return this.#expel(relay, refusal.error);
      callSeries(this.#hooks.opened, facts, () => {
        this.#debug({ generation: this.#lease.generation.number }, 'session moved');
        relay.open((link) => this.#makeStage(link, relay, facts, 'I'));
      });
    });
  }

  #makeStage(link: Link, relay: Relay, session: SessionFacts, transactionStatus: TransactionStatus): Stage {
    const { logger, maxMessageSize } = this.#context;
    const hooks = this.#hooks;
    const statements = this.#conversation?.statements;
    this.#conversation = null;
    if (!isTapped(hooks) && statements?.answersSome !== true) {
      return new PlainStage(link, transactionStatus, this.#lender);
    }
    const options = { session, hooks, logger, maxMessageSize, transactionStatus };
    const conversation = new Conversation(statements === undefined ? options : { ...options, statements });
    this.#conversation = conversation;
    const watcher: TappedWatcher = {
      settled: () => relay.settle(),
      ended: ({ sqlstate, message }) => {
        logger.info({ ...this.#who(), sqlstate }, `session ended: ${message}`);
        relay.fail(null);
      },
    };
    return new TappedStage(link, conversation, watcher, this.#lender);
  }

  /** The relay is over: the client hears what it does not know yet. */
  #part({ by, error, speakable, condition }: RelayEnd): void {
    this.#condition = condition;
    this.#debug({ by }, 'session over');
    if (by === 'client') this.#frontend.dismiss();
    else if (error === null) this.#frontend.end();
    else this.#tell(error, speakable);
  }

  #fail(error: unknown): void {
    if (error === clientLeft) return this.#frontend.destroy();
    const known = error instanceof GatewayDError && error.sqlstate !== undefined;
    this.#tell(known ? error : new GatewayDError(networkErrors.NETWORK_INTERNAL, {}, { cause: error }), true);
  }

  #turnAway(refusal: WireError): void {
    const { sqlstate, message } = refusal;
    this.#context.logger.info({ ...this.#who(), sqlstate }, `client refused by a plugin: ${message}`);
    this.#frontend.fail(refusal);
  }

  /** A plugin of the generation it moved to refuses the session. */
  #expel(relay: Relay, refusal: WireError): void {
    relay.fail(null);
    this.#turnAway(refusal);
  }

  /** Takes a lease of the current generation; gives the one there was. */
  #takeLease(): Lease {
    const before = this.#lease;
    this.#lease = this.#context.generations.lease(this);
    return before;
  }

  /** Of the generation it is in. */
  get #hooks(): Hooks {
    return this.#lease.generation.hooks;
  }

  #tell(error: GatewayDError, speakable: boolean): void {
    const { code, sqlstate = 'XX000', message, cause } = error;
    const { NETWORK_INTERNAL, NETWORK_STOPPED, NETWORK_STOPPING } = networkErrors;
    const { why } = error.values;
    const more = { ...(why === undefined ? {} : { why }), ...(cause === undefined ? {} : { err: cause }) };
    const fields = { ...this.#who(), code, sqlstate, ...more };
    if (code === NETWORK_STOPPED.code || code === NETWORK_STOPPING.code) this.#context.logger.debug(fields, message);
    else if (code === NETWORK_INTERNAL.code) this.#report(error, fields);
    else this.#context.logger.warn(fields, message);
    if (speakable) this.#frontend.fail({ sqlstate, message });
    else this.#frontend.end();
  }

  /** A defect of gatewayd's own: whoever reports errors is to know. */
  #report(error: GatewayDError, fields: object): void {
    this.#context.logger.error(fields, error.message);
    emit(this.#hooks.hook, { name: 'gatewayd.error', data: { error: error.cause ?? error, fatal: false } });
  }

  async #close(): Promise<void> {
    clearTimeout(this.#loginTimer);
    this.#to('draining');
    this.#frontend.end();
    const gone = Promise.all([this.#frontend.closed, this.#giveBack()]);
    if (this.#facts !== null) await seriesNow(this.#hooks.closing, this.#facts);
    await gone;
    this.#to('closed');
    if (this.#facts !== null) await seriesNow(this.#hooks.closed, this.#facts);
    this.#lease.release();
  }

  /** Gives the connection back once no cancel of this session can reach it any more: it may be somebody else's next. */
  async #giveBack(): Promise<void> {
    const cancelled = this.#forgetKey?.();
    if (this.#connection?.backend != null) await cancelled;
    await this.#connection?.release(this.#condition);
  }

  #expire(): void {
    const { NETWORK_CONNECT_TIMEOUT, NETWORK_LOGIN_TIMEOUT } = networkErrors;
    const definition = this.#state === 'waiting' ? NETWORK_CONNECT_TIMEOUT : NETWORK_LOGIN_TIMEOUT;
    const { loginTimeout: milliseconds, server } = this.#context;
    this.terminate(new GatewayDError(definition, { milliseconds, server, state: this.#state }));
  }

  #to(state: SessionState): void {
    this.#state = transition(this.#state, state);
  }

  /** Most sessions leave no line in the log: nothing is made for it then. */
  #debug(more: object, message: string): void {
    const { logger } = this.#context;
    if (logger.isLevelEnabled('debug')) logger.debug({ ...this.#who(), ...more }, message);
  }

  #who(): Record<string, unknown> {
    const { host, port } = this.#frontend.address;
    const who = { session: this.id, server: this.#context.server, client: port === 0 ? host : `${host}:${port}` };
    return this.#facts === null ? who : { ...who, user: this.#facts.user, database: this.#facts.database };
  }
}

function openingOf(session: SessionFacts): Opening {
  return {
    session,
    refuse: (sqlstate, message, detail) =>
      makeRefusal({ sqlstate, message, ...(detail === undefined ? {} : { detail }) }),
  };
}

function isTapped(hooks: Hooks): boolean {
  return (
    hooks.traffic.isUsed() ||
    hooks.trafficFromClient.isUsed() ||
    hooks.trafficToServer.isUsed() ||
    hooks.trafficFromServer.isUsed() ||
    hooks.trafficToClient.isUsed()
  );
}
