import { expect } from 'chai';
import type { BreakerLimits } from '../../lib/hooks/circuit-breaker.ts';
import { callBail, callSeries, emitBail, emitSeries } from '../../lib/hooks/dispatch.ts';
import { createHooks, type HookName, type Hooks } from '../../lib/hooks/hooks.ts';
import type { HookStatistics } from '../../lib/hooks/statistics.ts';
import { Refusal, type Verdict } from '../../lib/hooks/verdict.ts';
import { createView, statisticsOf } from '../../lib/hooks/view.ts';
import { opening, ScopedText, session } from '../support/payloads.ts';
import { RecordingOwner } from '../support/recording-owner.ts';
import { until } from '../support/until.ts';

const limits: BreakerLimits = { failures: 5, ratio: 0.5, window: 10_000, pause: 3, maxPause: 20 };

describe('the circuit breaker of a plugin and hook', () => {
  let bus: Hooks;
  let owner: RecordingOwner;
  let view: Hooks;
  let called: number;
  let ill: boolean;

  beforeEach(() => {
    bus = createHooks();
    owner = new RecordingOwner('audit', { breaker: limits, timeout: 5 });
    view = createView(bus, owner);
    called = 0;
    ill = true;
  });

  const tap = (): void => {
    called++;
    if (ill) throw new Error('of the plugin');
  };
  const emitTraffic = (times: number): void => {
    for (let count = 0; count < times; count++) callSeries(bus.traffic, session, () => {});
  };
  const read = (hook: HookName = 'traffic'): HookStatistics => statisticsOf(view).get(hook)!;
  const halfOpen = (hook: HookName = 'traffic'): Promise<unknown> => until(() => read(hook).breaker === 'half-open');

  it('opens after as many failures as the limits say, counts what it leaves out, and says so once', () => {
    view.traffic.tap('bad', tap);
    emitTraffic(10_000);
    expect(called).to.equal(5);
    expect(read()).to.include({ calls: 5, errors: 5, skipped: 9_995, breaker: 'open', openings: 1 });
    expect(owner.failures).to.have.length(5);
    expect(owner.breakerChanges).to.deep.equal([
      { hook: 'traffic', change: { state: 'open', failures: 5, calls: 5, skipped: 0, pause: 3 } },
    ]);
  });

  it('tries one call after the pause, and comes back when that goes well', async () => {
    view.traffic.tap('bad', tap);
    emitTraffic(7);
    await halfOpen();
    ill = false;
    emitTraffic(3);
    expect(called).to.equal(8);
    expect(read()).to.include({ skipped: 2, breaker: 'closed' });
    expect(owner.breakerChanges.at(-1)!.change).to.deep.equal({
      state: 'closed',
      failures: 0,
      calls: 1,
      skipped: 2,
      pause: 0,
    });
  });

  it('opens again when the call it tries fails, for twice as long each time up to the limit', async () => {
    view.traffic.tap('bad', tap);
    emitTraffic(5);
    for (let round = 0; round < 4; round++) {
      await halfOpen();
      emitTraffic(2);
    }
    expect(called).to.equal(9);
    expect(owner.breakerChanges.map(({ change }) => change.pause)).to.deep.equal([3, 6, 12, 20, 20]);
  });

  it('tries one call only while that is under way', async () => {
    let settle: () => void = () => {};
    view.opened.tapPromise('bad', () => {
      called++;
      if (ill) throw new Error('of the plugin');
      return new Promise<void>((resolve) => void (settle = resolve));
    });
    for (let count = 0; count < 5; count++) await emitSeries(bus.opened, session);
    await halfOpen('opened');
    ill = false;
    const trial = emitSeries(bus.opened, session);
    await emitSeries(bus.opened, session);
    expect(called).to.equal(6);
    expect(read('opened')).to.include({ breaker: 'half-open', skipped: 1 });
    settle();
    await trial;
    expect(read('opened').breaker).to.equal('closed');
  });

  it('takes a call that outlasts its limit for a failure, also the one it tries', async () => {
    view.opened.tapPromise('hangs', () => new Promise(() => {}));
    await Promise.all(Array.from({ length: 5 }, () => emitSeries(bus.opened, session)));
    expect(read('opened').openings).to.equal(1);
    await halfOpen('opened');
    await emitSeries(bus.opened, session);
    expect(read('opened')).to.include({ calls: 6, errors: 6, openings: 2 });
  });

  it('leaves a plugin in place that fails on 1 query in 100', () => {
    view.traffic.tap('seldom', () => {
      if (called++ % 100 === 0) throw new Error('of the plugin');
    });
    emitTraffic(10_000);
    expect(read()).to.include({ calls: 10_000, errors: 100, skipped: 0, breaker: 'closed' });
  });

  it('looks at what failed lately: a good past is no excuse', async () => {
    owner.breaker = { ...limits, window: 1 };
    view = createView(bus, owner);
    view.traffic.tap('bad', tap);
    ill = false;
    emitTraffic(1_000);
    ill = true;
    emitTraffic(1);
    ill = false;
    emitTraffic(1_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
    ill = true;
    emitTraffic(10);
    expect(read().openings).to.equal(1);
  });

  it('counts failures that are far apart when there are no other calls', async () => {
    owner.breaker = { ...limits, window: 1 };
    view = createView(bus, owner);
    view.traffic.tap('bad', tap);
    for (let count = 0; count < 5; count++) {
      emitTraffic(1);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    expect(read().openings).to.equal(1);
  });

  it('is of one plugin and one hook: the others go on', async () => {
    view.traffic.tap('bad', tap);
    view.opened.tap('good', () => void called++);
    const other = createView(bus, new RecordingOwner('other'));
    other.traffic.tap('good', () => {});
    emitTraffic(10);
    await emitSeries(bus.opened, session);
    expect(called).to.equal(6);
    expect(statisticsOf(other).get('traffic')!.calls).to.equal(10);
  });

  it('never opens where the limits say 0 failures', () => {
    owner.breaker = { ...limits, failures: 0 };
    view = createView(bus, owner);
    view.traffic.tap('bad', tap);
    emitTraffic(100);
    expect(called).to.equal(100);
  });

  it('refuses without a call while it is open when the plugin guards something', async () => {
    owner.onError = 'refuse';
    view.opening.tap('guard', tap);
    view.trafficFromClient.tap('guard', tap);
    const verdicts: (Verdict | void)[] = [];
    for (let count = 0; count < 8; count++) {
      expect(Refusal.is(await emitBail(bus.opening, opening))).to.be.true;
      callBail(bus.trafficFromClient, new ScopedText('').payload, (verdict) => void verdicts.push(verdict));
    }
    expect(called).to.equal(10);
    expect(verdicts.map((verdict) => verdict?.outcome.kind)).to.deep.equal(Array(8).fill('refuse'));
    expect(owner.changes.filter(({ kind }) => kind === 'guard')).to.have.length(16);
  });
});
