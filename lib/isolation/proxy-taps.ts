import { hookCatalogue } from '../hooks/catalogue.ts';
import type { HookName } from '../hooks/hooks.ts';
import type { RemoteResult } from '../hooks/remote-result.ts';
import { TapAway } from '../hooks/tap-away.ts';
import type { Host } from '../plugin/plugin.ts';
import type { GuestLink } from './guest-link.ts';

/** A tap as the guest tells of it. */
export interface GuestTapRecord {
  readonly number: number;
  readonly hook: string;
  readonly name: string;
  readonly stage: number | null;
  readonly before: readonly string[];
}

interface ProxyTap {
  readonly hook: HookName;
  readonly name: string;
  /** The tap's number in the guest there is now; -1 where that has no such tap. */
  number: number;
}

const mostTaps = 10_000;

/** Stands on the bus for the taps of a guest: in the order and with the options that the guest tapped with. */
export class ProxyTaps {
  readonly away: TapAway;
  readonly #taps: ProxyTap[] = [];
  #link: GuestLink | null = null;
  #isReady = false;
  #passedOver = 0;
  #added: string[] = [];

  constructor(plugin: string) {
    this.away = new TapAway(`plugin ${plugin} is not there`);
  }

  /** Whether the plugin was applied once. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** A new guest is going to tap anew. */
  begin(): void {
    for (const tap of this.#taps) tap.number = -1;
    this.#added = [];
  }

  /** @throws where there is no such hook */
  add(host: Host, { number, hook, name, stage, before }: GuestTapRecord): void {
    if (!Object.hasOwn(hookCatalogue, hook)) throw new TypeError(`a tap of a hook called ${hook.slice(0, 100)}`);
    const known = this.#taps.find((tap) => tap.number === -1 && tap.hook === hook && tap.name === name);
    if (known !== undefined) {
      known.number = number;
      return;
    }
    if (this.#taps.length >= mostTaps) throw new TypeError('more taps than there can be');
    const tap: ProxyTap = { hook: hook as HookName, name, number };
    this.#taps.push(tap);
    this.#added.push(nameOf(tap));
    const options = { name, before: [...before], ...(stage === null ? {} : { stage }) };
    // Every hook has the same methods; what their payloads are is for the guest to know.
    host.hooks[tap.hook as 'tick'].tap(options as never, (payload: unknown) => this.#call(tap, payload) as never);
  }

  /**
   * Calls go to this guest from now on; to none, until there is another.
   * @returns how its taps differ from those there were, and how many calls met nobody since there was a guest
   */
  serveWith(link: GuestLink | null): { readonly difference: string; readonly passedOver: number } {
    this.#link = link;
    if (link === null) return { difference: '', passedOver: this.#passedOver };
    const missing = this.#taps.filter(({ number }) => number === -1).map(nameOf);
    const added = this.#isReady ? this.#added : [];
    const difference = [
      ...(missing.length === 0 ? [] : [`without ${missing.join(', ')}`]),
      ...(added.length === 0 ? [] : [`with ${added.join(', ')}`]),
    ].join(' and ');
    const passedOver = this.#passedOver;
    this.#passedOver = 0;
    return { difference, passedOver };
  }

  /** The plugin was applied. */
  ready(): void {
    this.#isReady = true;
    this.#added = [];
  }

  #call(tap: ProxyTap, payload: unknown): RemoteResult {
    const link = this.#link;
    if (link !== null && tap.number !== -1) return link.call(tap.number, tap.hook, payload);
    this.#passedOver++;
    throw this.away;
  }
}

function nameOf({ hook, name }: ProxyTap): string {
  return name === '' ? `a tap of ${hook}` : `tap ${name} of ${hook}`;
}
