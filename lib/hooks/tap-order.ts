import type { BusTap } from './chain.ts';
import type { HookName, Hooks } from './hooks.ts';

/** What a plugin asked for when it tapped a hook, as far as its place depends on it. */
export interface TapOrigin {
  readonly plugin: string;
  /** What `before` named, as the plugin wrote it. */
  readonly before: readonly string[];
  /** Those taps, by their names on the bus, that `before` meant and that were there. */
  readonly aheadOf: readonly string[];
}

/** One tap of a hook, in the order in which it is called. */
export interface PlacedTap {
  /** Its name on the bus. */
  readonly name: string;
  readonly stage: number;
  /** Null for a tap of gatewayd's own. */
  readonly origin: TapOrigin | null;
}

const origins = new WeakMap<BusTap, TapOrigin>();

/** Remembers whose a tap is and what it asked for. */
export function recordOrigin(tap: BusTap, origin: TapOrigin): void {
  origins.set(tap, origin);
}

/** The taps of one hook of a bus, first called first. */
export function tapsInOrder(bus: Hooks, hook: HookName): readonly PlacedTap[] {
  return bus[hook].taps.map(({ name, stage = 0, fn }) => ({ name, stage, origin: origins.get(fn as BusTap) ?? null }));
}
