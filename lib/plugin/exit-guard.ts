import { syncBuiltinESMExports } from 'node:module';
import { GatewayDError } from '../errors.ts';
import type { Attribution } from './attribution.ts';
import { pluginErrors } from './errors.ts';

type Named = { readonly name: string };
type Member = 'exit' | 'abort' | 'reallyExit';
type Exits = Record<Member, (...values: unknown[]) => never>;

const members: readonly Member[] = ['exit', 'abort', 'reallyExit'];
const exits = process as unknown as Exits;
/** How often each is guarded: the generations of a process share one. */
const guarded = new Map<Attribution<Named>, number>();
let removeGuards: (() => void) | undefined;

/**
 * Makes `process.exit` and its like throw PLUGIN_EXIT when a plugin's code calls them; nobody else notices.
 * @returns the function that ends it
 */
export function guardExit(attribution: Attribution<Named>): () => void {
  guarded.set(attribution, (guarded.get(attribution) ?? 0) + 1);
  removeGuards ??= installGuards();
  return () => {
    const left = (guarded.get(attribution) ?? 0) - 1;
    if (left > 0) guarded.set(attribution, left);
    else guarded.delete(attribution);
    if (guarded.size === 0) removeAllGuards();
  };
}

/** Ends the process at once, whoever's code led here. */
export function exitUnguarded(code: number): never {
  removeAllGuards();
  process.exit(code);
}

function removeAllGuards(): void {
  removeGuards?.();
  removeGuards = undefined;
}

function installGuards(): () => void {
  const removals = members.map((member) => {
    const original = exits[member];
    const guard = function (this: unknown, ...values: unknown[]): never {
      for (const attribution of guarded.keys()) {
        const owner = attribution.ofCaller();
        if (owner) throw new GatewayDError(pluginErrors.PLUGIN_EXIT, { plugin: owner.name, member });
      }
      return Reflect.apply(original, this, values);
    };
    exits[member] = guard;
    return () => {
      // Somebody may have put a guard of their own over ours.
      if (exits[member] === guard) exits[member] = original;
    };
  });
  syncBuiltinESMExports();
  return () => {
    for (const remove of removals) remove();
    syncBuiltinESMExports();
  };
}
