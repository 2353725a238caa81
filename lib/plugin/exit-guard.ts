import { syncBuiltinESMExports } from 'node:module';
import { GatewayDError } from '../errors.ts';
import { pluginErrors } from './errors.ts';

/** Tells whose code is running. */
type Whose = { ofCaller(): { readonly name: string } | undefined };
type Member = (typeof members)[number];
type Call = (...values: unknown[]) => unknown;

const members = ['exit', 'abort', 'reallyExit', 'kill', 'chdir', 'removeAllListeners'] as const;
const guardedProcess = process as unknown as Record<Member, Call>;
/** How often each is guarded: the generations of a process share one. */
const guarded = new Map<Whose, number>();
let removeGuards: (() => void) | undefined;

/** Events whose listeners are what keeps the process in order. */
const ownEvents = ['uncaughtException', 'unhandledRejection', 'SIGINT', 'SIGTERM', 'SIGHUP'];

/** Whether a call harms the process itself: a plugin may signal its own children and take its own listeners off. */
function harms(member: Member, [first, second]: readonly unknown[]): boolean {
  // 0 is the process's group, a negative number the group of that number, -1 everything; signal 0 only asks.
  if (member === 'kill') return (Number(first) === process.pid || !(Number(first) > 0)) && second !== 0;
  if (member === 'removeAllListeners') return first === undefined || ownEvents.includes(first as string);
  return true;
}

/**
 * Makes `process.exit` and whatever else ends the process, or changes what all of it stands on, throw PLUGIN_EXIT when a
 * plugin's code calls it; nobody else notices.
 * @returns the function that ends it
 */
export function guardExit(attribution: Whose): () => void {
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
    const original = guardedProcess[member];
    const guard = function (this: unknown, ...values: unknown[]): unknown {
      for (const attribution of harms(member, values) ? guarded.keys() : []) {
        const owner = attribution.ofCaller();
        if (owner) throw new GatewayDError(pluginErrors.PLUGIN_EXIT, { plugin: owner.name, member });
      }
      return Reflect.apply(original, this, values);
    };
    guardedProcess[member] = guard;
    return () => {
      // Somebody may have put a guard of their own over ours.
      if (guardedProcess[member] === guard) guardedProcess[member] = original;
    };
  });
  syncBuiltinESMExports();
  return () => {
    for (const remove of removals) remove();
    syncBuiltinESMExports();
  };
}
