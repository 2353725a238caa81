import { GatewayDError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { networkErrors } from './errors.ts';
import type { LoggedInBackend } from './logged-in-backend.ts';
import { Places } from './places.ts';
import { WaitingQueue } from './waiting-queue.ts';

/** In what condition a session leaves a backend: nothing in flight; that, but in a transaction; something in flight. */
export type BackendCondition = 'idle' | 'in transaction' | 'busy';

/** Limits of a pool of logged-in backends, and how its backends are made; times in milliseconds, 0 is without limit. */
export interface BackendPoolOptions {
  /** `group.block`, for the errors. */
  readonly name: string;
  readonly size: number;
  readonly minSize: number;
  readonly queueSize: number;
  readonly acquireTimeout: number;
  readonly maxAge: number;
  readonly maxIdle: number;
  /** How often an idle backend is checked. */
  readonly checkPeriod: number;
  readonly logger: Logger;
  /** Where it takes the place of another pool: what sessions of that still hold, and how many there may be now. */
  readonly places?: Places;
  /** Connects and logs in; tries once. */
  readonly open: (signal: AbortSignal) => Promise<LoggedInBackend>;
  /** Makes a backend as new; rejects where that cannot be. */
  readonly reset: (backend: LoggedInBackend, condition: 'idle' | 'in transaction') => Promise<void>;
  /** Rejects for a backend that does not answer. */
  readonly check: (backend: LoggedInBackend) => Promise<void>;
  /** Says goodbye; settles when the database has closed the connection, or was given up on. */
  readonly end: (backend: LoggedInBackend, busy: boolean) => Promise<void>;
  /** How long to wait before the next try after so many failures, and whether clients wait with us. */
  readonly backoff: (failures: number, clientsWait: boolean) => number;
  /** Whether trying again can help against a failure of `open`. */
  readonly isPassing: (error: unknown) => boolean;
}

interface Resting {
  readonly backend: LoggedInBackend;
  /** Since when nobody has had it. */
  readonly since: number;
  checked: number;
}

/** The longest time between two looks at what lies idle. */
const longestTick = 30_000;

/**
 * Backends that are logged in ahead, each of one client at a time, given out in the order they were asked for. One that
 * comes back is reset first, and replaced where it is broken, too old or in the middle of something. While the database
 * is away one try after the other is made, ever further apart; who waits meanwhile gets in when it is back.
 */
export class BackendPool {
  readonly name: string;
  readonly #options: BackendPoolOptions;
  readonly #queue: WaitingQueue<LoggedInBackend>;
  /** The one that came back last is at the end and is given out first, so that what is not needed grows old. */
  readonly #idle: Resting[] = [];
  readonly #places: Places;
  /** How many connections there are or may be: idle, lent, being opened, reset, checked or ended. */
  #total = 0;
  #opening = 0;
  /** Tries to open a backend that failed, one after the other, since the last that did not. */
  #failures = 0;
  #lastError: GatewayDError | null = null;
  #lastFailurePasses = true;
  #retryTimer: NodeJS.Timeout | undefined;
  /** When it fires. */
  #retryAt = 0;
  #tickTimer: NodeJS.Timeout | undefined;
  #retired = false;
  readonly #abort = new AbortController();
  /** Told when the last connection is gone. */
  #onEmpty: (() => void)[] = [];

  constructor(options: BackendPoolOptions) {
    this.name = options.name;
    this.#options = options;
    this.#places = options.places ?? new Places(options.size);
    this.#queue = new WaitingQueue({ timeout: options.acquireTimeout, late: () => this.#late() });
  }

  /** How many connections there are, those being opened or ended included. */
  get total(): number {
    return this.#total;
  }

  /** How many nobody has. */
  get idle(): number {
    return this.#idle.length;
  }

  /** How many clients wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Logs in as many backends as are to be ready at least, and keeps them so. */
  start(): void {
    if (this.#retired || this.#tickTimer !== undefined) return;
    const { maxAge, maxIdle, checkPeriod } = this.#options;
    const periods = [maxAge, maxIdle, checkPeriod].filter((period) => period > 0);
    const tick = Math.max(10, Math.min(longestTick, ...periods));
    this.#tickTimer = setInterval(() => this.#tend(), tick).unref();
    this.#fill();
  }

  /** Gives a backend that lies idle where nobody waits for one, else null; `release` is to follow. */
  take(): LoggedInBackend | null {
    // Whoever waits has waited longer.
    if (this.#queue.length > 0) return null;
    for (let resting = this.#idle.pop(); resting !== undefined; resting = this.#idle.pop()) {
      const { backend } = resting;
      backend.onBroken = null;
      if (backend.error === null && !this.#isOver(backend)) return backend;
      void this.#end(backend);
    }
    return null;
  }

  /**
   * Gives a backend, at once or when it is this caller's turn; `release` is to follow.
   * @param patient false where the caller goes elsewhere when the database is not there
   * @throws {GatewayDError} NETWORK_POOL_QUEUE_FULL, NETWORK_POOL_TIMEOUT, NETWORK_DATABASE_UNREACHABLE; the signal's
   * reason when it is aborted
   */
  acquire(signal: AbortSignal, patient = true): Promise<LoggedInBackend> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const backend = this.take();
    if (backend !== null) return Promise.resolve(backend);
    const failed = this.#retryTimer === undefined ? null : this.#lastError;
    if (failed !== null && !(patient && this.#lastFailurePasses)) return Promise.reject(failed);
    const { size, queueSize } = this.#options;
    const waiting = this.#queue.length;
    // Who can be given a connection that is being made does not stand in the queue.
    if (waiting - (this.#places.left + this.#opening) >= queueSize) {
      const values = { pool: this.name, size, waiting };
      return Promise.reject(new GatewayDError(networkErrors.NETWORK_POOL_QUEUE_FULL, values));
    }
    const given = this.#queue.wait(signal, patient);
    this.#hurry();
    this.#fill();
    return given;
  }

  /** Takes back what `acquire` gave. Settles when it is ready for the next, or gone. */
  async release(backend: LoggedInBackend, condition: BackendCondition): Promise<void> {
    if (condition === 'busy') {
      this.#options.logger.debug({ pool: this.name }, 'a backend that may be in the middle of something is replaced');
    }
    if (backend.error !== null || condition === 'busy' || this.#isOver(backend)) {
      return this.#end(backend, condition === 'busy');
    }
    try {
      await this.#options.reset(backend, condition);
    } catch (error) {
      this.#options.logger.info({ pool: this.name, err: error }, 'a backend that could not be reset is replaced');
      return this.#end(backend);
    }
    this.#offer(backend);
  }

  /** The database is said to be back: the next try, if one is put off, is now. */
  wake(): void {
    if (this.#retryTimer !== undefined) this.#tryNow();
  }

  /** Ends what lies idle, and each of the others when it comes back; clients that wait are still served. */
  retire(): void {
    this.#retired = true;
    clearInterval(this.#tickTimer);
    for (const { backend } of this.#idle.splice(0)) void this.#end(backend);
  }

  /** Ends all of them, those that are lent excepted. Settles when the last is gone. */
  async close(): Promise<void> {
    this.retire();
    this.#queue.refuse(new GatewayDError(networkErrors.NETWORK_STOPPING), 'all');
    this.#stopTrying();
    if (this.#total > 0) await new Promise<void>((resolve) => this.#onEmpty.push(resolve));
  }

  /** Cuts what lies idle. */
  destroy(): void {
    for (const { backend } of this.#idle) backend.destroy();
    void this.close();
  }

  /** Gives a backend that is ready to whoever has waited longest, or puts it by. */
  #offer(backend: LoggedInBackend): void {
    if (backend.error !== null) return void this.#end(backend);
    if (this.#queue.give(backend)) return;
    if (this.#retired) return void this.#end(backend);
    const now = performance.now();
    this.#rest({ backend, since: now, checked: now });
  }

  #rest(resting: Resting): void {
    this.#idle.push(resting);
    resting.backend.onBroken = (): void => {
      this.#idle.splice(this.#idle.indexOf(resting), 1);
      void this.#end(resting.backend);
    };
  }

  /** Opens as many as are wanted and may be; one at a time while the database is away. */
  #fill(): void {
    if (this.#abort.signal.aborted || this.#retryTimer !== undefined) return;
    const { minSize } = this.#options;
    const missing = this.#retired ? 0 : minSize - this.#total + this.#opening;
    const wanted = Math.max(this.#queue.length, missing);
    const most = this.#failures > 0 ? 1 : wanted;
    while (this.#opening < Math.min(wanted, most) && this.#places.left > 0) void this.#open();
    if (this.#opening < wanted && this.#places.left === 0) this.#places.whenFree(this.#goOn);
  }

  readonly #goOn = (): void => this.#fill();

  async #open(): Promise<void> {
    this.#opening += 1;
    this.#total += 1;
    this.#places.take();
    try {
      const backend = await this.#options.open(this.#abort.signal);
      this.#opening -= 1;
      this.#recovered();
      this.#offer(backend);
    } catch (error) {
      this.#opening -= 1;
      // First, for whoever is told of the free place would try again at once.
      this.#failed(error);
      this.#gone();
    }
    this.#fill();
  }

  #recovered(): void {
    if (this.#failures > 0) this.#options.logger.info({ pool: this.name }, 'the database can be reached again');
    // One that began before the last failure may have come through after it.
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#failures = 0;
    this.#lastError = null;
  }

  #failed(cause: unknown): void {
    if (this.#abort.signal.aborted) return;
    const { backoff, isPassing, logger } = this.#options;
    const passing = isPassing(cause);
    const error = notThere(this.name, cause, passing);
    if (this.#failures === 0) logger.warn({ pool: this.name, code: error.code, err: cause }, error.message);
    this.#lastError = error;
    this.#lastFailurePasses = passing;
    this.#queue.refuse(error, passing ? 'impatient' : 'all');
    // Of several that fail together one counts.
    if (this.#retryTimer !== undefined) return;
    this.#failures += 1;
    const clientsWait = this.#queue.length > 0;
    const timer = this.#tryIn(backoff(this.#failures, clientsWait));
    if (!clientsWait) timer.unref();
  }

  #tryIn(pause: number): NodeJS.Timeout {
    clearTimeout(this.#retryTimer);
    this.#retryAt = performance.now() + pause;
    this.#retryTimer = setTimeout(() => this.#tryNow(), pause);
    return this.#retryTimer;
  }

  #tryNow(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#fill();
  }

  /** The first client that waits does not wait for a try that was put off while nobody did. */
  #hurry(): void {
    if (this.#retryTimer === undefined || this.#queue.length > 1) return;
    const pause = this.#options.backoff(this.#failures, true);
    if (performance.now() + pause < this.#retryAt) this.#tryIn(pause);
  }

  /** Replaces what is broken, too old or idle for too long, and checks the rest. */
  #tend(): void {
    const { maxIdle, minSize, checkPeriod } = this.#options;
    const now = performance.now();
    for (const resting of this.#idle.slice()) {
      const unneeded = maxIdle > 0 && now - resting.since >= maxIdle && this.#total > minSize;
      if (unneeded || this.#isOver(resting.backend)) void this.#end(this.#pick(resting));
      else if (checkPeriod > 0 && now - resting.checked >= checkPeriod) void this.#check(resting);
    }
    this.#fill();
  }

  async #check(resting: Resting): Promise<void> {
    const backend = this.#pick(resting);
    try {
      await this.#options.check(backend);
    } catch (error) {
      this.#options.logger.info({ pool: this.name, err: error }, 'an idle backend that does not answer is replaced');
      return this.#end(backend);
    }
    if (this.#retired || this.#queue.length > 0) this.#offer(backend);
    else this.#rest({ ...resting, checked: performance.now() });
  }

  #pick(resting: Resting): LoggedInBackend {
    this.#idle.splice(this.#idle.indexOf(resting), 1);
    resting.backend.onBroken = null;
    return resting.backend;
  }

  #isOver(backend: LoggedInBackend): boolean {
    const { maxAge } = this.#options;
    return this.#retired || (maxAge > 0 && performance.now() - backend.since >= maxAge);
  }

  async #end(backend: LoggedInBackend, busy = false): Promise<void> {
    backend.onBroken = null;
    await this.#options.end(backend, busy);
    this.#gone();
    this.#fill();
  }

  #gone(): void {
    this.#total -= 1;
    this.#places.free();
    if (this.#total === 0) for (const told of this.#onEmpty.splice(0)) told();
  }

  #stopTrying(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#abort.abort(new GatewayDError(networkErrors.NETWORK_STOPPING));
  }

  /** What one is told who has waited too long. */
  #late(): Error {
    const { size, acquireTimeout: milliseconds } = this.#options;
    const values = { pool: this.name, size, milliseconds };
    return this.#lastError ?? new GatewayDError(networkErrors.NETWORK_POOL_TIMEOUT, values);
  }
}

/** What clients are told of a database that could not be logged in at. */
function notThere(database: string, cause: unknown, passing: boolean): GatewayDError {
  const { NETWORK_DATABASE_UNREACHABLE, NETWORK_DATABASE_LOGIN } = networkErrors;
  const { NETWORK_DATABASE_NOT_READY, NETWORK_DATABASE_FULL } = networkErrors;
  if (!(cause instanceof GatewayDError)) return new GatewayDError(networkErrors.NETWORK_INTERNAL, {}, { cause });
  if (!passing) return new GatewayDError(NETWORK_DATABASE_LOGIN, { database }, { cause });
  const sqlstate = String(cause.values['sqlstate'] ?? '');
  if (sqlstate.startsWith('57')) return new GatewayDError(NETWORK_DATABASE_NOT_READY, { database }, { cause });
  if (sqlstate.startsWith('53')) return new GatewayDError(NETWORK_DATABASE_FULL, { database }, { cause });
  if (cause.code === NETWORK_DATABASE_UNREACHABLE.code) return cause;
  return new GatewayDError(NETWORK_DATABASE_UNREACHABLE, { database, reason: cause.message }, { cause });
}
