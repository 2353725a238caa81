import { expect } from 'chai';
import { callBail, callSeries, emitSeries } from '../../lib/hooks/dispatch.ts';
import { createHooks, type Hooks } from '../../lib/hooks/hooks.ts';
import { createView, statisticsOf } from '../../lib/hooks/view.ts';
import { ScopedText, session } from '../support/payloads.ts';
import { RecordingOwner } from '../support/recording-owner.ts';

describe('the statistics of a view', () => {
  let bus: Hooks;
  let view: Hooks;

  beforeEach(() => {
    bus = createHooks();
    view = createView(bus, new RecordingOwner('audit'));
  });

  it('count every call and every failure, by hook', async () => {
    view.traffic.tap('one', () => {});
    view.traffic.withOptions({ stage: 1 }).tap('two', () => {});
    view.opened.tapPromise('rejects', () => Promise.reject(new Error('of the plugin')));
    for (let count = 0; count < 100; count++) callSeries(bus.traffic, session, () => {});
    await emitSeries(bus.opened, session);
    const statistics = statisticsOf(view);
    expect([...statistics.keys()]).to.have.members(['traffic', 'opened']);
    expect(statistics.get('traffic')).to.include({ calls: 200, errors: 0 });
    expect(statistics.get('opened')).to.include({ calls: 1, errors: 1 });
  });

  it('time the first call and each 256th after it', () => {
    view.trafficFromClient.tap('one', () => {});
    for (let count = 0; count < 513; count++) callBail(bus.trafficFromClient, new ScopedText('').payload, () => {});
    const { timed, totalMs, maxMs } = statisticsOf(view).get('trafficFromClient')!;
    expect(timed).to.equal(3);
    expect(maxMs).to.be.within(totalMs / 3, totalMs);
  });

  it('take an asynchronous tap to last until it settles', async () => {
    let settle: () => void = () => {};
    view.opened.tapPromise('waits', () => new Promise<void>((resolve) => void (settle = resolve)));
    const emitted = emitSeries(bus.opened, session);
    expect(statisticsOf(view).get('opened')).to.include({ calls: 1, timed: 0 });
    settle();
    await emitted;
    expect(statisticsOf(view).get('opened')).to.include({ calls: 1, timed: 1 });
  });

  it('time every call of a hook that is not of traffic, and give what half of them and nearly all took', async () => {
    const limits = { failures: 0, ratio: 1, window: 1, pause: 1, maxPause: 1 };
    view = createView(bus, new RecordingOwner('timed', { breaker: limits }));
    view.opened.tap('one', () => {});
    for (let count = 0; count < 10; count++) await emitSeries(bus.opened, session);
    const { timed, p50Ms, p99Ms, maxMs } = statisticsOf(view).get('opened')!;
    expect(timed).to.equal(10);
    expect(p50Ms).to.be.within(Number.MIN_VALUE, p99Ms);
    expect(p99Ms).to.be.at.most(maxMs);
  });

  it('cannot be changed by whoever reads them', () => {
    view.traffic.tap('one', () => {});
    callSeries(bus.traffic, session, () => {});
    const read = statisticsOf(view).get('traffic')!;
    expect(() => Object.assign(read, { calls: 7 })).to.throw(TypeError);
    callSeries(bus.traffic, session, () => {});
    expect(read.calls).to.equal(1);
    expect(statisticsOf(view).get('traffic')!.calls).to.equal(2);
  });

  it('leave out what other plugins did', () => {
    createView(bus, new RecordingOwner('other')).traffic.tap('other', () => {});
    callSeries(bus.traffic, session, () => {});
    expect(statisticsOf(view)).to.be.empty;
  });
});
