import { expect } from 'chai';
import * as fc from 'fast-check';
import { emitBail, emitSeries, emitWaterfall } from '../../lib/hooks/dispatch.ts';
import { createHooks, type HookName, type Hooks } from '../../lib/hooks/hooks.ts';
import { createView, statisticsOf } from '../../lib/hooks/view.ts';
import { opening, ScopedText, session } from '../support/payloads.ts';
import { RecordingOwner } from '../support/recording-owner.ts';

/** Everything a tap can do, whatever it is tapped with. */
const behaviours = {
  nothing: { sync: () => undefined, failures: 0 },
  'throws an error': { sync: thrower(new Error('of the plugin')), failures: 1 },
  'throws null': { sync: thrower(null), failures: 1 },
  'throws undefined': { sync: thrower(undefined), failures: 1 },
  'returns garbage': { sync: () => 'garbage', failures: 1, onlyWhereItMeans: true },
  resolves: { later: () => Promise.resolve(), failures: 0 },
  'resolves to garbage': { later: () => Promise.resolve(0), failures: 1, onlyWhereItMeans: true },
  rejects: { later: () => Promise.reject(new Error('of the plugin')), failures: 1 },
  hangs: { later: () => new Promise(() => {}), failures: 1 },
  'settles late': { later: (late: Promise<void>) => late, failures: 1 },
  'rejects late': { later: (late: Promise<void>) => late.then(thrower(new Error('late'))), failures: 2 },
  'answers twice': { sync: () => undefined, failures: 0, twice: true },
} satisfies Record<string, Behaviour>;

interface Behaviour {
  readonly sync?: () => unknown;
  readonly later?: (late: Promise<void>) => Promise<unknown>;
  readonly failures: number;
  readonly onlyWhereItMeans?: boolean;
  readonly twice?: boolean;
}

const methods = ['tap', 'tapPromise', 'tapAsync'] as const;
const step = fc.record({
  behaviour: fc.constantFrom(...(Object.keys(behaviours) as (keyof typeof behaviours)[])),
  method: fc.constantFrom(...methods),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** How each kind of hook is called, and gives what a chain gives that no tap had a say in. */
const calls = {
  opened: async (bus: Hooks) => emitSeries(bus.opened, session),
  opening: async (bus: Hooks) => emitBail(bus.opening, opening),
  trafficFromClient: async (bus: Hooks) => emitBail(bus.trafficFromClient, new ScopedText('SELECT 1').payload),
  configLoaded: async (bus: Hooks) => {
    const config = {} as never;
    expect(await emitWaterfall(bus.configLoaded, config)).to.equal(config);
  },
  startup: async (bus: Hooks) =>
    bus.startup.promise({ version: '1.0.0', runtimeVersion: 'v20', devMode: false, plugins: [] }),
} satisfies Partial<Record<HookName, (bus: Hooks) => Promise<unknown>>>;

describe('any sequence of taps', () => {
  for (const hook of Object.keys(calls) as (keyof typeof calls)[]) {
    it(`is called to its end on ${hook}, with every failure counted`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.boolean(), async (steps, besideCore) => {
          await check(hook, steps, besideCore);
        }),
        { numRuns: 60 },
      );
    });
  }
});

async function check(hook: keyof typeof calls, steps: readonly Step[], besideCore: boolean): Promise<void> {
  const bus = createHooks();
  const owner = new RecordingOwner('audit', { timeout: 2 });
  const view = createView(bus, owner);
  const called: number[] = [];
  let settleLate: () => void = () => {};
  const late = new Promise<void>((resolve) => {
    settleLate = resolve;
  });
  // A tap of gatewayd's own has tapable's code call the others, not ours: the outcome must be the same.
  if (besideCore) (bus[hook] as Hooks['opened']).tap('core', () => {});
  steps.forEach(({ behaviour, method }, index) => {
    tap(view[hook] as unknown as Hooks['opened'], method, behaviours[behaviour], () => called.push(index), late);
  });

  expect(await calls[hook](bus)).to.be.undefined;
  settleLate();
  await new Promise(setImmediate);

  expect(called).to.deep.equal(steps.map((_, index) => index));
  const resultMeans = hook !== 'opened' && hook !== 'startup';
  const expected = steps.map(({ behaviour, method }): number => {
    const { failures, onlyWhereItMeans = false, twice = false }: Behaviour = behaviours[behaviour];
    if (onlyWhereItMeans && !resultMeans) return 0;
    return twice && method === 'tapAsync' ? 1 : failures;
  });
  const total = expected.reduce((sum, failures) => sum + failures, 0);
  expect(owner.failures).to.have.length(total);
  const counted = statisticsOf(view).get(hook);
  expect(counted?.errors ?? 0).to.equal(total);
  expect(counted?.calls ?? 0).to.equal(steps.length);
}

function tap(
  hook: Hooks['opened'],
  method: Step['method'],
  { sync, later, twice = false }: Behaviour,
  note: () => void,
  late: Promise<void>,
): void {
  if (method !== 'tapAsync') {
    hook[method]('tap', () => {
      note();
      return (sync?.() ?? later?.(late)) as never;
    });
    return;
  }
  hook.tapAsync('tap', (_payload, callback) => {
    note();
    const answer = callback as (error: unknown, result?: unknown) => void;
    if (later === undefined) answer(null, sync?.());
    else later(late).then((result) => answer(null, result), answer);
    if (twice) answer(null);
  });
}

function thrower(thrown: unknown): () => never {
  return () => {
    throw thrown;
  };
}
