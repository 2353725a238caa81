import { Server, Socket } from 'node:net';
import { clearImmediate, clearTimeout } from 'node:timers';
import type { Attribution } from './attribution.ts';
import { stackOf } from './stack-frames.ts';

/** What a plugin may start and leave running. */
export type StartedKind = 'timer' | 'server' | 'socket';

/** What was still running. */
export interface LeftRunning {
  readonly kind: StartedKind;
  /** The line that started it, or else where it listens; and the hook of the tap it was started in. */
  readonly where: string;
}

/** Node's own timers; `_destroyed` says that one has fired for the last time or was cleared, `_repeat` that it is an interval. */
interface Timer {
  readonly _destroyed?: boolean;
  readonly _repeat?: number | null;
}

/** One kind of what Node calls back. */
interface Rule {
  readonly kind: StartedKind;
  /** Those of Node's own modules through which a plugin starts it directly. What others start, Node may share between plugins. */
  readonly ways: RegExp;
  /** What is to be ended; undefined where there is nothing any more. */
  readonly running: (resource: object) => { end: () => void; readonly address?: string } | undefined;
}

interface Started {
  readonly resource: WeakRef<object>;
  readonly rule: Rule;
  readonly hook: string | null;
  /** Has the stack; null where there were too many to ask for it. */
  readonly trace: object | null;
}

interface StartedList {
  all: Started[];
  /** So many are gone through before those that have ended are thrown away. */
  bound: number;
}

/** A trace takes some 10 us: so many a second are not felt. Intervals, servers and sockets have one in any case. */
const tracesPerSecond = 1_000;
const traceDepth = 16;
const leastBound = 64;
const asyncHooks = 'node:internal/async_hooks:';

const timer: Rule = {
  kind: 'timer',
  ways: /^(?:internal\/)?timers(?:\/promises)?$/,
  running: (resource) => {
    if ((resource as Timer)._destroyed === true) return undefined;
    return {
      end: () => ('refresh' in resource ? clearTimeout(resource as NodeJS.Timeout) : clearImmediate(resource as never)),
    };
  },
};
const server: Rule = {
  kind: 'server',
  ways: /^(?:net|internal\/dns\/.*|dns|internal\/process\/.*)$/,
  running: (resource) => {
    const owner = ownerOf(resource);
    if (!(owner instanceof Server) || !owner.listening) return undefined;
    return { end: () => closeServer(owner), address: addressOf(owner) };
  },
};
const socket: Rule = {
  kind: 'socket',
  ways: /^(?:net|tls|internal\/tls\/.*|_tls_wrap|dgram|internal\/dgram)$/,
  running: (resource) => {
    const owner = ownerOf(resource);
    if (owner instanceof Socket) {
      return owner.destroyed || owner.writableEnded ? undefined : { end: () => void owner.destroy() };
    }
    return isDatagramSocket(owner) ? { end: () => owner.close() } : undefined;
  },
};
/** By Node's name of what it is. */
const rules: Readonly<Record<string, Rule | undefined>> = Object.assign(Object.create(null) as object, {
  Timeout: timer,
  Immediate: timer,
  TCPSERVERWRAP: server,
  PIPESERVERWRAP: server,
  TCPWRAP: socket,
  PIPEWRAP: socket,
  UDPWRAP: socket,
});

const watches = new WeakMap<object, StartedWatch<never>>();

/** Remembers the timers, servers and sockets that plugins start: while they are loaded, in their taps, and in what those begin. */
export class StartedWatch<Owner extends object> {
  readonly #attribution: Attribution<Owner>;
  readonly #started = new WeakMap<Owner, StartedList>();
  readonly #told = (owner: Owner, hook: string | null, type: string, resource: object): void =>
    this.#remember(owner, hook, type, resource);
  #second = 0;
  #traces = 0;

  private constructor(attribution: Attribution<Owner>) {
    this.#attribution = attribution;
  }

  /** Looks on from now on. */
  start(): void {
    this.#attribution.watch(this.#told);
  }

  /** The plugins are loaded. */
  loaded(): void {
    this.#attribution.watchNoPromises();
  }

  /** The one watch of all generations of a process. */
  static of<Owner extends object>(attribution: Attribution<Owner>): StartedWatch<Owner> {
    const known = watches.get(attribution) as StartedWatch<Owner> | undefined;
    if (known !== undefined) return known;
    const made = new StartedWatch(attribution);
    watches.set(attribution, made as never);
    return made;
  }

  /** Ends what an owner started and did not end; gives what that was. */
  clear(owner: Owner): readonly LeftRunning[] {
    const { all } = this.#started.get(owner) ?? { all: [] };
    this.#started.delete(owner);
    return all.flatMap((one) => this.#end(owner, one) ?? []);
  }

  #end(owner: Owner, { resource, rule, hook, trace }: Started): LeftRunning | undefined {
    const running = runningOf(resource, rule);
    if (running === undefined || trace === null) return undefined;
    const caller = callerIn(stackOf(trace), rule.ways);
    // A server that waited for the address of its name was started by nobody's line.
    const place = caller === '' ? running.address : this.#attribution.placeIn(caller, owner);
    // What gatewayd or Node itself starts in the plugin's context is theirs.
    if (place === undefined) return undefined;
    try {
      running.end();
    } catch {
      // It had ended.
      return undefined;
    }
    return { kind: rule.kind, where: hook === null ? place : `${place} (hook ${hook})` };
  }

  #remember(owner: Owner, hook: string | null, type: string, resource: object): void {
    const rule = rules[type];
    if (rule === undefined) return;
    const list = this.#started.get(owner) ?? { all: [], bound: leastBound };
    this.#started.set(owner, list);
    if (list.all.length >= list.bound) {
      list.all = list.all.filter((one) => runningOf(one.resource, one.rule) !== undefined);
      list.bound = Math.max(list.all.length * 2, leastBound);
    }
    // Behind that: a handle that is just being made has no owner yet, and would be taken for one that has ended.
    list.all.push({ resource: new WeakRef(resource), rule, hook, trace: this.#trace(rule, resource) });
  }

  #trace(rule: Rule, resource: object): object | null {
    const isInterval = rule === timer && typeof (resource as Timer)._repeat === 'number';
    if (rule === timer && !isInterval && !this.#mayTrace()) return null;
    const { stackTraceLimit } = Error;
    const trace = {};
    Error.stackTraceLimit = traceDepth;
    Error.captureStackTrace(trace, this.#told);
    Error.stackTraceLimit = stackTraceLimit;
    return trace;
  }

  #mayTrace(): boolean {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) this.#traces = 0;
    this.#second = second;
    return this.#traces++ < tracesPerSecond;
  }
}

const runningOf = (resource: WeakRef<object>, { running }: Rule): ReturnType<Rule['running']> => {
  const alive = resource.deref();
  return alive === undefined ? undefined : running(alive);
};

/** What Node calls a handle's owner: the server or socket. Known a moment after the handle is made. */
function ownerOf(handle: object): unknown {
  const key = Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'owner_symbol');
  return key === undefined ? undefined : (handle as Record<symbol, unknown>)[key];
}

const isDatagramSocket = (owner: unknown): owner is { close(): void } =>
  typeof owner === 'object' && owner !== null && 'addMembership' in owner && 'close' in owner;

function closeServer(owner: Server): void {
  owner.close();
  if ('closeAllConnections' in owner) (owner as { closeAllConnections(): void }).closeAllConnections();
}

function addressOf(owner: Server): string {
  const address = owner.address();
  return address === null || typeof address === 'string' ? (address ?? '') : `${address.address}:${address.port}`;
}

/** The line of a trace that called Node; empty where nobody's did, undefined where it was not by one of these ways. */
function callerIn(stack: string, ways: RegExp): string | undefined {
  const lines = stack.split('\n');
  // Above that are those who look on; it calls back, too.
  const first = lines.findIndex((line) => line.includes(asyncHooks)) + 1;
  for (const line of lines.slice(first)) {
    const node = /\bnode:([\w/]+):\d+:\d+\)?$/.exec(line)?.[1];
    if (node === undefined && /:\d+:\d+\)?$/.test(line)) return line;
    if (node !== undefined && !ways.test(node) && !line.includes(asyncHooks)) return undefined;
  }
  return '';
}
