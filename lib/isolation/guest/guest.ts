import { pino } from 'pino';
import { GatewayDError } from '../../errors.ts';
import { isThenable, kindOf, type TapCallback, type TapFunction } from '../../hooks/contained-tap.ts';
import type { TapStyle } from '../../hooks/hook-view.ts';
import { hooksErrors } from '../../hooks/errors.ts';
import type { HookName } from '../../hooks/hooks.ts';
import type { TapScope } from '../../hooks/view-owner.ts';
import type { Session } from '../../hooks/payloads.ts';
import { busTapOptions, type TapOptions } from '../../hooks/tap-options.ts';
import { tapResults } from '../../hooks/tap-results.ts';
import type { Logger } from '../../logger.ts';
import { Attribution } from '../../plugin/attribution.ts';
import { pluginErrors } from '../../plugin/errors.ts';
import type { Ready } from '../../plugin/examine.ts';
import { guardExit } from '../../plugin/exit-guard.ts';
import { inProcess } from '../../plugin/loader.ts';
import { registerModuleHooks } from '../../plugin/module-hooks.ts';
import { pluginConfig } from '../../plugin/plugin-config.ts';
import { PluginContext } from '../../plugin/plugin-context.ts';
import type { PluginModule } from '../../plugin/plugin-module.ts';
import type { Deactivate } from '../../plugin/plugin.ts';
import { containUncaught } from '../../plugin/uncaught.ts';
import { cross, uncross } from '../crossed.ts';
import { isolationErrors } from '../errors.ts';
import { Outbox } from '../outbox.ts';

import {
  numbersOfCall,
  type ApplyRecord,
  type Beginning,
  type Packet,
  type SessionRecord,
  type ToGuest,
  type ToHost,
} from '../wire.ts';
import { createGuestHooks } from './guest-hooks.ts';
import { LogLines } from './log-lines.ts';
import { GuestPlugins } from './guest-plugins.ts';
import { guestPayload, type GuestPayload } from './guest-payload.ts';

interface GuestTap {
  readonly hook: HookName;
  /** As the bus calls it, as far as that is known here. */
  readonly name: string;
  readonly call: TapFunction;
  readonly style: TapStyle;
  /** Tells, of what the tap leaves uncaught, in which hook it began. */
  readonly scope: TapScope;
}

/**
 * The part of gatewayd that runs beside a plugin in a thread or process of its own: loads it, gives it a host, calls its
 * taps and sends back what came of it. Whatever it is told comes from gatewayd; all else in here is the plugin's.
 */
export class Guest {
  readonly #outbox: Outbox<ToHost>;
  readonly #attribution = new Attribution<{ readonly name: string }>();
  /** Knows in which tap something began, and only that: what may end the thread or process is as it is without. */
  readonly #begunIn = new Attribution<{ readonly name: string }>();
  readonly #sessions = new Map<number, Session>();
  readonly #taps: GuestTap[] = [];
  readonly #calls = new Map<number, { readonly payload: GuestPayload; readonly tap: GuestTap }>();
  readonly #plugins: GuestPlugins;
  readonly #logLines: LogLines;
  #owner: { readonly name: string } = { name: '' };
  #module: PluginModule | null = null;
  #deactivate: Deactivate | null = null;
  #logger: Logger | null = null;
  #used: ReadonlySet<HookName> = new Set();

  constructor(send: (packet: Packet<ToHost>) => void) {
    // What a plugin gives is taken apart before, so that all of it can be cloned.
    this.#outbox = new Outbox<ToHost>(
      send,
      (ids) => ['answers', ids],
      ([op], error) => this.#post('report', cross(error), `message ${op}`, 'async'),
    );
    this.#logLines = new LogLines((lines, leftOut) => this.#post('log', lines, leftOut));
    this.#plugins = new GuestPlugins({
      watch: (plugin) => this.#post('watch', plugin),
      report: (error) => this.#post('report', cross(error), null, 'reported'),
    });
    process.on('exit', (code) => {
      this.#logLines.flush();
      this.#post('exiting', code);
      this.#flush();
    });
  }

  take({ messages, bytes }: Packet<ToGuest>): void {
    for (const message of messages) this.#take(message, bytes);
    this.#flush();
  }

  ready(): void {
    this.#post('ready');
    this.#flush();
  }

  #take(message: ToGuest, bytes: ArrayBuffer): void {
    switch (message[0]) {
      case 'call':
        return this.#call(message[1], message[2], message[3], bytes);
      case 'calls':
        return this.#callEach(message[1], bytes);
      case 'expire':
        return this.#expire(message[1]);
      case 'abort':
        return this.#calls.get(message[1])?.payload.abort?.(uncross(message[2]));
      case 'session':
        this.#sessions.set(message[1], sessionFrom(message[2]));
        return;
      case 'server': {
        const session = this.#sessions.get(message[1]) as { server: Session['server'] } | undefined;
        if (session !== undefined) session.server = message[2];
        return;
      }
      case 'forget':
        this.#sessions.delete(message[1]);
        return;
      case 'plugin':
        return this.#plugins.set(message[1]);
      case 'failure':
        return this.#plugins.failed(message[1]);
      case 'ping':
        return this.#post('pong', message[1]);
      case 'begin':
        void this.#begin(message[1]);
        return;
      case 'apply':
        void this.#apply(message[1]);
        return;
      case 'deactivate':
        void this.#deactivateNow();
    }
  }

  async #begin(beginning: Beginning): Promise<void> {
    const { plugin, path, entryPoint, version, needsModuleHooks, importTimeout, logLevel } = beginning;
    const owner = { name: plugin };
    this.#owner = owner;
    this.#attribution.add(path, owner);
    guardExit(this.#attribution);
    containUncaught({
      contain: (error) => {
        this.#post('report', cross(error), this.#begunIn.placeOf(error)?.hook ?? null, 'async');
        return true;
      },
      otherwise: () => undefined,
    });
    this.#logger = pino(
      { level: logLevel, base: null, timestamp: false },
      { write: (line) => this.#logLines.add(line) },
    );
    if (needsModuleHooks) registerModuleHooks();
    // As much of it as the loader looks at; it was examined where it is supervised.
    const ready = { name: plugin, path, manifest: { name: plugin, version, entryPoint } } as Ready;
    try {
      const module = await inProcess.load({
        ready,
        tag: '',
        milliseconds: importTimeout,
        enter: (call) => this.#attribution.run(owner, call),
        report: () => undefined,
        watchPlugins: () => undefined,
      });
      this.#module = module;
      const { version: own, requires, private: isPrivate, permissions } = module;
      const copy: unknown = permissions === undefined ? undefined : structuredClone(permissions);
      this.#post('loaded', { version: own, requires, private: isPrivate, permissions: copy });
    } catch (error) {
      this.#post('notLoaded', cross(error));
    }
  }

  async #apply({ version, config, plugins, usedHooks }: ApplyRecord): Promise<void> {
    try {
      const { plugin, configSchema } = this.#module as PluginModule;
      this.#used = new Set(usedHooks);
      for (const record of plugins) this.#plugins.set(record);
      const { name } = this.#owner;
      const context = new PluginContext({
        version,
        plugin: this.#plugins.faceOf(name) as NonNullable<ReturnType<GuestPlugins['faceOf']>>,
        plugins: this.#plugins.face,
        config: await pluginConfig(name, config, { schema: configSchema }),
        hooks: () => this.#hooks(),
        logger: () => this.#logger as Logger,
        reportError: (error, place) => this.#post('report', cross(error), place?.hook ?? null, 'reported'),
        emit: (event, data) => this.#emit(event, data),
      });
      const result: unknown = await this.#attribution.run(this.#owner, async () => plugin.apply(context));
      if (typeof result !== 'function' && result !== undefined) {
        const got = result === null ? 'null' : `a ${typeof result}`;
        throw new GatewayDError(pluginErrors.PLUGIN_BAD_DEACTIVATE, { plugin: name, got });
      }
      this.#deactivate = (result as Deactivate | undefined) ?? null;
      this.#post('applied');
    } catch (error) {
      this.#post('notApplied', cross(error));
    }
  }

  async #deactivateNow(): Promise<void> {
    try {
      const deactivate = this.#deactivate;
      if (deactivate !== null) await this.#attribution.run(this.#owner, async () => deactivate());
      this.#post('deactivated', null);
    } catch (error) {
      this.#post('deactivated', cross(error));
    }
    this.#flush();
  }

  #hooks(): ReturnType<typeof createGuestHooks> {
    const plugin = this.#owner.name;
    return createGuestHooks({
      plugin,
      isUsed: (hook) => this.#used.has(hook) || this.#taps.some((tap) => tap.hook === hook),
      tap: (hook, options, call, style) => this.#addTap(hook, options, call, style),
    });
  }

  #addTap(hook: HookName, options: TapOptions, call: TapFunction, style: TapStyle): void {
    if (options.largeMessages === true) {
      const values = { plugin: this.#owner.name, place: 'place of its own', what: 'the stream of a large message' };
      throw new GatewayDError(isolationErrors.ISOLATION_CANNOT_CROSS, values);
    }
    const { name } = busTapOptions(this.#owner.name, options, []);
    const scope = this.#begunIn.scope(this.#owner, hook);
    const number = this.#taps.push({ hook, name, call, style, scope }) - 1;
    const before = [options.before ?? []].flat();
    this.#post('tap', number, hook, options.name ?? '', options.stage ?? null, before);
  }

  #emit(event: unknown, data: unknown): void {
    const crossed = cross(data, (path, kind) => {
      const what = `${kind} in data${path === '' ? '' : `.${path}`} of emit('${String(event)}')`;
      this.#logger?.warn({ event }, `left behind, because it cannot leave the plugin's thread or process: ${what}`);
    });
    this.#post('emit', String(event), crossed);
  }

  #callEach(numbers: Float64Array, bytes: ArrayBuffer): void {
    const at = (index: number): number => numbers[index] ?? 0;
    for (let next = 0; next < numbers.length; next += numbersOfCall) {
      const batch = [at(next + 2), at(next + 3), at(next + 4), null] as const;
      this.#call(at(next), at(next + 1), batch, bytes);
    }
  }

  /** A tap of a hook that is called ten thousand times a second runs here: nothing is waited for that need not be. */
  #call(id: number, number: number, data: unknown, bytes: ArrayBuffer): void {
    const tap = this.#taps[number];
    if (tap === undefined) return;
    let payload: GuestPayload | undefined;
    let result: unknown;
    try {
      payload = guestPayload(tap.hook, data, {
        bytes,
        session: (session) => this.#sessions.get(session) as Session,
        plugin: (name) => this.#plugins.faceOf(name),
        notice: (message) => this.#post('notice', id, message),
        send: (pieces) => this.#outbox.bytes(pieces),
      });
      const call = tap.style === 'plain' ? tap.call : (value: unknown) => this.#callBack(tap, value);
      result = tap.scope.call(call, payload.value);
    } catch (error) {
      return this.#fail(id, error, payload);
    }
    if (!isThenable(result)) return this.#settle(id, tap, payload, result);
    this.#calls.set(id, { payload, tap });
    const waitedFor = result;
    void new Promise((resolve) => resolve(waitedFor)).then(
      (settled) => {
        if (this.#calls.delete(id)) this.#settle(id, tap, payload, settled);
      },
      (error: unknown) => {
        if (this.#calls.delete(id)) this.#fail(id, error, payload);
        else this.#post('late', tap.hook, cross(error));
      },
    );
  }

  #settle(id: number, tap: GuestTap, payload: GuestPayload, result: unknown): void {
    let answer: unknown;
    try {
      this.#check(tap, result);
      answer = payload.answer(result);
    } catch (error) {
      return this.#fail(id, error, payload);
    }
    payload.close(false);
    if (answer === undefined) this.#outbox.postNumbers(id);
    else this.#post('answer', id, answer);
  }

  #fail(id: number, error: unknown, payload: GuestPayload | undefined): void {
    payload?.close(true);
    this.#post('failed', id, cross(error));
  }

  #expire(id: number): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.payload.close(true);
  }

  #check({ hook, name: tap }: GuestTap, result: unknown): void {
    const rule = tapResults[hook];
    if (result === undefined || rule === undefined || rule.accepts(result)) return;
    const { expected } = rule;
    const plugin = this.#owner.name;
    throw new GatewayDError(hooksErrors.HOOK_BAD_RESULT, { plugin, hook, tap, got: kindOf(result), expected });
  }

  #callBack(tap: GuestTap, payload: unknown): unknown {
    const { promise, resolve, reject } = pendingPromise();
    let answered = false;
    const callback: TapCallback = (error, result) => {
      if (answered) {
        const values = { plugin: this.#owner.name, hook: tap.hook, tap: tap.name };
        const twice = new GatewayDError(hooksErrors.HOOK_ANSWERED_TWICE, values, error ? { cause: error } : {});
        return this.#post('late', tap.hook, cross(twice));
      }
      answered = true;
      if (error) reject(error);
      else resolve(result);
    };
    try {
      tap.call(payload, callback);
    } catch (error) {
      answered = true;
      throw error;
    }
    return promise;
  }

  #post(...message: ToHost): void {
    this.#outbox.post(message);
  }

  #flush(): void {
    this.#logLines.flush();
    this.#outbox.flush();
  }
}

function pendingPromise(): {
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
} {
  let resolve: (value: unknown) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  return { promise, resolve, reject };
}

function sessionFrom(record: SessionRecord): Session {
  return { ...record };
}
