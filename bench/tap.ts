// A synchronous tap through the per-plugin view, against the same function on the bare tapable hook.
import { createHooks, type Hooks } from '../lib/hooks/hooks.ts';
import type { FromClient } from '../lib/hooks/payloads.ts';
import { closeScope, openScope, retainScope, type Scoped } from '../lib/hooks/scope.ts';
import { createView } from '../lib/hooks/view.ts';
import { alternate, printHeader } from './measure.ts';
import { PluginOwner } from './plugin-owner.ts';

const CALLS = 200_000;
const ROUNDS = 31;

type Tap = (payload: FromClient) => void;

// Kept small: a number past 2^30 would cost an allocation a tap.
let seen = 0;
/** Functions that differ, as those of different plugins do. */
const taps: readonly Tap[] = [
  ({ query }) => void (seen = (seen + (query?.length ?? 0) + 0) & 0xffff),
  ({ query }) => void (seen = (seen + (query?.length ?? 0) + 1) & 0xffff),
  ({ query }) => void (seen = (seen + (query?.length ?? 0) + 2) & 0xffff),
  ({ query }) => void (seen = (seen + (query?.length ?? 0) + 3) & 0xffff),
  ({ query }) => void (seen = (seen + (query?.length ?? 0) + 4) & 0xffff),
  ({ query }) => void (seen = (seen + (query?.length ?? 0) + 5) & 0xffff),
  ({ query }) => void (seen = (seen + (query?.length ?? 0) + 6) & 0xffff),
  ({ query }) => void (seen = (seen + (query?.length ?? 0) + 7) & 0xffff),
  ({ query }) => void (seen = (seen + (query?.length ?? 0) + 8) & 0xffff),
  ({ query }) => void (seen = (seen + (query?.length ?? 0) + 9) & 0xffff),
];

const plain = { query: 'SELECT 1' } as FromClient;

/** A payload with a handle for each tap, the least there can be of one. */
class Handle {
  expired = false;
  readonly query = 'SELECT 1';
  [retainScope](): void {}
  [closeScope](): null {
    this.expired = true;
    return null;
  }
}
class ScopedPayload implements Scoped {
  readonly query = 'SELECT 1';
  [openScope](): Handle {
    return new Handle();
  }
}
const scoped = new ScopedPayload() as ScopedPayload & FromClient;

/** What the view does with a payload's handle, around a bare tap: the payload's own cost, not the view's. */
const withHandle =
  (tap: Tap): Tap =>
  (payload) => {
    const handle = (payload as ScopedPayload & FromClient)[openScope]();
    tap(handle as Handle & FromClient);
    handle[closeScope]();
  };

function busWith(count: number, hooksOf: (bus: Hooks, plugin: string) => Hooks, wrap = (tap: Tap): Tap => tap): Hooks {
  const bus = createHooks();
  taps.slice(0, count).forEach((tap, index) => {
    hooksOf(bus, `plugin-${index}`).trafficFromClient.tap(`plugin-${index}`, wrap(tap));
  });
  return bus;
}

/** Nanoseconds a tap. */
function time(bus: Hooks, payload: FromClient): number {
  const hook = bus.trafficFromClient;
  let done = 0;
  seen = 0;
  const start = performance.now();
  for (let index = 0; index < CALLS; index++) hook.callAsync(payload, () => done++);
  const took = performance.now() - start;
  if (done !== CALLS || seen === 0) throw new Error('a tap did not run, or did not settle in its turn');
  return (took * 1e6) / CALLS / hook.taps.length;
}

printHeader(`a synchronous tap: ${ROUNDS} alternating rounds of ${CALLS} calls, nanoseconds a tap, medians`);
for (const count of [1, 10]) {
  const viewed = busWith(count, (bus, name) => createView(bus, new PluginOwner(name)));
  const bare = busWith(count, (bus) => bus);
  const bareHandled = busWith(count, (bus) => bus, withHandle);
  const taken = await alternate(ROUNDS, {
    bare: async () => time(bare, plain),
    viewed: async () => time(viewed, plain),
    bareHandled: async () => time(bareHandled, scoped),
    viewedHandled: async () => time(viewed, scoped),
  });
  print(`${count} a hook, plain payload`, taken.bare, taken.viewed);
  print(`${count} a hook, payload with a handle for each tap`, taken.bareHandled, taken.viewedHandled);
}

function print(what: string, bare: number, viewed: number): void {
  const more = (viewed - bare).toFixed(1);
  const figures = `bare tapable ${bare.toFixed(1)} ns, through the view ${viewed.toFixed(1)} ns`;
  console.log(`${what}: ${figures}, ${more} ns more, ratio ${(viewed / bare).toFixed(2)} (aim: at most 80 ns more)`);
}
