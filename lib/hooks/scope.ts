import type { ChangeKind } from './message-change.ts';

/**
 * How a payload hands itself to one tap. A payload whose content dies with the tap (a traffic batch) implements
 * `Scoped`: the plugin's view of the bus opens a handle before each tap and closes it when the tap has settled.
 * Payloads that are plain data do not implement it and are passed as they are. Only the payloads of the hooks that the
 * catalogue says expire are asked.
 */
export const openScope: unique symbol = Symbol('gatewayd.openScope');
export const retainScope: unique symbol = Symbol('gatewayd.retainScope');
export const closeScope: unique symbol = Symbol('gatewayd.closeScope');

/** The handle a tap gets. */
export interface ScopedHandle {
  /** The tap turned out to be asynchronous: what it may read must outlive the socket's buffer from now on. */
  [retainScope](): void;
  /**
   * The tap has settled: the handle expires; if the tap failed, what it changed is undone.
   * @param tap for what it began and what goes on now
   * @returns what the tap changed; null for nothing
   */
  [closeScope](failed: boolean, tap?: Afterwards): readonly ChangeKind[] | null;
}

/** A tap that has settled, for a function of its plugin's that goes on. */
export interface Afterwards {
  /** How long each step may take, in milliseconds. */
  readonly limit: number;
  /** Calls it in its plugin's name. */
  call(run: () => unknown): unknown;
  /** What it gave in the end; gives what the hook goes on with, undefined for nothing. */
  finished(payload: unknown, result: unknown): unknown;
  /** It failed; without an error: it took longer than `limit`. Gives what the hook goes on with, undefined for nothing. */
  failed(payload: unknown, error?: unknown): unknown;
}

/** A payload that gives each tap a handle of its own. */
export interface Scoped {
  [openScope](): ScopedHandle;
  /**
   * The value that ends the chain on the part of a plugin whose `onError` is `refuse` and whose tap just failed.
   * Undefined for payloads nothing can be refused of.
   */
  refusal?(sqlstate: string, message: string): unknown;
}

/** Whether a payload gives each tap a handle of its own. */
export function isScoped(payload: unknown): payload is Scoped {
  return typeof payload === 'object' && payload !== null && openScope in payload;
}
