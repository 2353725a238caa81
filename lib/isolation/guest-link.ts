import { types } from 'node:util';
import type { HookName } from '../hooks/hooks.ts';
import type { Routing } from '../hooks/payloads.ts';
import { RemoteResult } from '../hooks/remote-result.ts';
import { TapAway } from '../hooks/tap-away.ts';
import { CallTable } from './call-table.ts';
import type { Channel } from './channel.ts';
import { cross, uncross } from './crossed.ts';
import { count, list, text } from './expected.ts';
import { crossingOf } from './host-payload.ts';
import { Outbox } from './outbox.ts';
import { SessionTable } from './session-table.ts';
import type { BatchData, ToGuest } from './wire.ts';

/** Who hears from a guest what is no answer to a call. */
export interface LinkWatcher {
  /** @throws where the message is not what a guest sends */
  message(op: string, values: readonly unknown[]): void;
  /** The guest sent what no guest sends. */
  broken(reason: string): void;
  /** The guest has answered nothing for so long, neither a call nor a ping. */
  hangs(milliseconds: number, phase: 'crash' | 'health'): void;
  /** So much is under way that no more calls are taken: said once, until there is little again. */
  overloaded(underWay: { readonly calls: number; readonly bytes: number }): void;
  /** Part of a payload stays here, because it cannot leave this thread or process: said once for each place in it. */
  leftBehind(event: string, path: string, kind: string): void;
  /** A call could not be sent. */
  unsent(hook: HookName, error: unknown): void;
}

export interface LinkLimits {
  /** Time limit of a call, in milliseconds. */
  readonly timeout: number;
  /** Those of hooks that have one of their own. */
  readonly timeouts: Readonly<Partial<Record<HookName, number>>>;
  /** Time between two health checks, in milliseconds. */
  readonly healthCheckPeriod: number;
}

interface PendingCall {
  readonly id: number;
  readonly hook: HookName;
  readonly payload: unknown;
  readonly started: number;
  readonly limit: number;
  /** Of its payload. */
  readonly bytes: number;
  readonly result: RemoteResult;
  readonly stopListening: (() => void) | null;
}

/** So many calls are under way at most: beyond, a plugin that is too slow would fill the memory. */
const mostCalls = 10_000;
/** So many bytes of payloads, likewise: a process that was stopped reads none of them until its limit. */
const mostBytes = 64 * 1024 * 1024;
/** So many places in payloads are told of that something stays behind at. */
const mostLeftBehind = 1_000;
const overloaded = new TapAway('too many calls are under way');

/** The line to one guest: calls and their answers, and a look at whether it still lives. */
export class GuestLink {
  readonly #channel: Channel<ToGuest>;
  readonly #watcher: LinkWatcher;
  readonly #limits: LinkLimits;
  readonly #outbox: Outbox<ToGuest>;
  readonly #sessions: SessionTable;
  readonly #pending = new CallTable<PendingCall>();
  #health: NodeJS.Timeout | undefined;
  #check: NodeJS.Timeout | null = null;
  /** The ping that was not answered yet, and when it was sent. */
  #ping: { readonly number: number; readonly sent: number; readonly phase: 'crash' | 'health' } | null = null;
  #pings = 0;
  #closed = false;
  #overloaded = false;
  /** Bytes of the payloads of the calls under way. */
  #bytes = 0;
  readonly #leftBehind = new Set<string>();

  constructor(channel: Channel<ToGuest>, watcher: LinkWatcher, limits: LinkLimits) {
    this.#channel = channel;
    this.#watcher = watcher;
    this.#limits = limits;
    this.#outbox = new Outbox(
      (packet) => this.#channel.send(packet),
      (numbers) => ['calls', numbers],
      (message, error) => this.#unsent(message, error),
    );
    this.#sessions = new SessionTable((message) => this.post(message));
  }

  /** From now on the guest is asked now and then whether it still lives. */
  watchHealth(): void {
    const period = this.#limits.healthCheckPeriod;
    this.#health = setInterval(() => this.#sendPing('health'), period).unref();
  }

  /** Calls under way. */
  get calls(): number {
    return this.#pending.size;
  }

  /** The hook of the calls under way, where it is one and the same. */
  get hook(): HookName | null {
    const hooks = new Set(Array.from(this.#pending, ({ hook }) => hook));
    const [hook] = hooks;
    return hook !== undefined && hooks.size === 1 ? hook : null;
  }

  post(message: ToGuest): void {
    if (!this.#closed) this.#outbox.post(message);
  }

  /**
   * Calls a tap of the guest's: settles with what the tap returned once the payload is as the tap left its copy.
   * @throws {TapAway} when too many calls are under way
   */
  call(tap: number, hook: HookName, payload: unknown): RemoteResult {
    const calls = this.#pending.size;
    if (calls >= mostCalls || this.#bytes >= mostBytes) this.#refuseMore();
    else if (this.#overloaded && calls < mostCalls / 2 && this.#bytes < mostBytes / 2) this.#overloaded = false;
    const data = crossingOf(hook).send(payload, this.#sending);
    const id = this.#pending.nextId();
    if (isWithoutShapes(data)) this.#outbox.postNumbers(id, tap, data[0], data[1], data[2]);
    else this.#outbox.post(['call', id, tap, data]);
    this.#check ??= this.#checkSoon();
    const stopListening = hook === 'route' ? this.#passAbort(id, payload as Routing) : null;
    const { timeout, timeouts } = this.#limits;
    const limit = timeouts[hook] ?? timeout;
    const result = new RemoteResult();
    const bytes = lengthOf(data);
    this.#bytes += bytes;
    this.#pending.add({ id, hook, payload, started: performance.now(), limit, bytes, result, stopListening });
    return result;
  }

  #refuseMore(): never {
    if (!this.#overloaded) this.#watcher.overloaded({ calls: this.#pending.size, bytes: this.#bytes });
    this.#overloaded = true;
    throw overloaded;
  }

  /** Takes what came through the channel. */
  take(packet: unknown): void {
    if (this.#closed) return;
    try {
      const { messages, bytes } = packet as { readonly messages: unknown; readonly bytes: unknown };
      // Not shared memory, which the plugin could change after it was looked at.
      if (!types.isArrayBuffer(bytes)) throw new TypeError('no block of bytes');
      for (const message of list(messages)) this.#take(list(message), bytes);
    } catch (error) {
      this.#watcher.broken(error instanceof Error ? error.message : String(error));
    }
  }

  /** The guest is gone, or to be: its calls are settled as those of a plugin that is not there. */
  close(away: TapAway | null): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#health);
    if (this.#check !== null) clearTimeout(this.#check);
    this.#channel.close();
    for (const { id } of this.#pending) {
      const call = this.#end(id);
      if (away !== null) call?.result.fail(away);
    }
  }

  readonly #sending = {
    numberOf: (session: Parameters<SessionTable['numberOf']>[0]): number => this.#sessions.numberOf(session),
    bytes: (pieces: readonly Buffer[]): number => this.#outbox.bytes(pieces),
    leftBehind: (event: string, path: string, kind: string): void => {
      const place = `${event} ${path}`;
      if (this.#leftBehind.has(place) || this.#leftBehind.size >= mostLeftBehind) return;
      this.#leftBehind.add(place);
      this.#watcher.leftBehind(event, path, kind);
    },
  };

  #take(message: readonly unknown[], bytes: ArrayBuffer): void {
    const [op, first, second] = message;
    switch (op) {
      case 'answers':
        if (!types.isFloat64Array(first)) throw new TypeError('answers that are none');
        for (let next = 0; next < first.length; next++) this.#answer(this.#issued(first[next]), undefined, bytes);
        return;
      case 'answer':
        return this.#answer(this.#issued(first), second, bytes);
      case 'failed':
        return this.#end(this.#issued(first))?.result.fail(uncross(second));
      case 'notice':
        return this.#notice(this.#issued(first), text(second));
      case 'pong':
        if (this.#ping?.number === first) this.#ping = null;
        return;
      default:
        return this.#watcher.message(text(op), message);
    }
  }

  #issued(id: unknown): number {
    const number = count(id);
    if (!this.#pending.wasIssued(number)) throw new TypeError('an answer to a call that was never made');
    return number;
  }

  #answer(id: number, answer: unknown, bytes: ArrayBuffer): void {
    const call = this.#end(id);
    if (call === undefined) return;
    const { receive } = crossingOf(call.hook);
    let result: unknown;
    try {
      result = receive?.(answer, call.payload, bytes);
    } catch (error) {
      call.result.fail(error);
      throw error;
    }
    call.result.settle(result);
  }

  #notice(id: number, message: string): void {
    const call = this.#pending.get(id);
    if (call?.hook === 'route') (call.payload as Routing).notice(message);
  }

  #end(id: number): PendingCall | undefined {
    const call = this.#pending.take(id);
    this.#bytes -= call?.bytes ?? 0;
    call?.stopListening?.();
    return call;
  }

  #passAbort(id: number, { signal }: Routing): () => void {
    const abort = (): void => this.post(['abort', id, cross(signal.reason)]);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    return () => signal.removeEventListener('abort', abort);
  }

  #unsent(message: ToGuest, error: unknown): void {
    if (message[0] !== 'call') return;
    const call = this.#end(message[1]);
    if (call === undefined) return;
    this.#watcher.unsent(call.hook, error);
    call.result.fail(new TapAway('the payload cannot leave gatewayd'));
  }

  #sendPing(phase: 'crash' | 'health'): void {
    if (this.#ping !== null) return;
    const number = this.#pings++;
    this.#ping = { number, sent: performance.now(), phase };
    this.post(['ping', number]);
    this.#check ??= this.#checkSoon();
  }

  #checkSoon(): NodeJS.Timeout {
    const shortest = Math.min(this.#limits.timeout, ...Object.values(this.#limits.timeouts));
    return setTimeout(this.#checkNow, Math.min(Math.max(shortest / 8, 5), 500)).unref();
  }

  readonly #checkNow = (): void => {
    this.#check = null;
    if (this.#closed) return;
    const now = performance.now();
    const silence = this.#ping === null ? 0 : now - this.#ping.sent;
    let isLate = silence >= this.#limits.timeout;
    let isSlow = false;
    for (const { id, started, limit } of this.#pending) {
      const age = now - started;
      isSlow ||= age >= limit / 2;
      if (age < limit) continue;
      isLate ||= silence >= limit / 4;
      this.#expire(id);
    }
    if (isLate) this.#suspect();
    if (isSlow) this.#sendPing('crash');
    if (this.#pending.size > 0 || this.#ping !== null) this.#check = this.#checkSoon();
  };

  /** When this process itself was held up, the answer is here and was not read yet. */
  #suspect(): void {
    const ping = this.#ping;
    setImmediate(() => {
      if (this.#closed || ping === null || this.#ping !== ping) return;
      this.#watcher.hangs(Math.round(performance.now() - ping.sent), ping.phase);
    });
  }

  /** The tap's time is over, as whoever waits for it knows by itself: what it answers does not count any more. */
  #expire(id: number): void {
    this.#end(id);
    this.post(['expire', id]);
  }
}

/** Whether it is a batch that numbers alone tell of. */
function isWithoutShapes(data: unknown): data is BatchData {
  return Array.isArray(data) && data.length === 4 && data[3] === null;
}

/** Of a batch, its bytes; of other payloads, which are small, none. */
function lengthOf(data: unknown): number {
  return Array.isArray(data) && data.length === 4 ? Number(data[2]) : 0;
}
