import { mock } from 'node:test';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { type BreakerChange, CircuitBreaker } from '../../lib/hooks/circuit-breaker.ts';

type Step = 'succeed' | 'fail' | 'begin' | 'settle well' | 'settle ill' | number;

const limitsAny = fc.record({
  failures: fc.integer({ min: 0, max: 6 }),
  ratio: fc.constantFrom(0, 0.25, 0.5, 1),
  window: fc.integer({ min: 1, max: 100 }),
  pause: fc.integer({ min: 1, max: 20 }),
  maxPause: fc.integer({ min: 20, max: 90 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Step>('fail') },
  { weight: 2, arbitrary: fc.constantFrom<Step>('succeed', 'begin', 'settle well', 'settle ill') },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 120 }) },
);

describe('any circuit breaker', () => {
  let now = 0;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    mock.method(performance, 'now', () => now);
  });
  afterEach(() => mock.reset());

  it('goes through its states as it should, whatever the calls do and the time', () => {
    fc.assert(
      fc.property(limitsAny, fc.array(step, { maxLength: 120 }), (limits, steps) => {
        const counter = { calls: 0, skipped: 0 };
        const changes: BreakerChange[] = [];
        const breaker = new CircuitBreaker(limits, counter, (change) => void changes.push(change));
        /** Calls that wait, begun while the breaker was closed; and whether one is being tried. */
        let waiting = 0;
        let trying = false;
        let failures = 0;
        let halfOpenAt = Infinity;

        const opened = (from: number): void => {
          const change = changes.at(-1)!;
          expect(changes.length).to.equal(from + 1);
          expect(change).to.include({ state: 'open' });
          expect(change.pause).to.be.within(limits.pause, limits.maxPause);
          expect(change.calls).to.be.at.least(change.failures);
          halfOpenAt = now + change.pause;
          failures = 0;
        };
        const failed = (): void => {
          const { state } = breaker;
          const known = changes.length;
          breaker.failed();
          if (state === 'closed') failures++;
          if (state === breaker.state) return void expect(changes.length).to.equal(known);
          expect([state, breaker.state]).to.deep.equal(['closed', 'open']);
          expect(failures).to.be.at.least(limits.failures);
          expect(changes.at(-1)!.failures).to.be.at.least(limits.failures);
          opened(known);
        };
        const tried = (ill: boolean): void => {
          const known = changes.length;
          const before = changes.findLast(({ state }) => state === 'open')!;
          trying = false;
          breaker.tried(ill);
          if (ill) {
            opened(known);
            expect(changes.at(-1)!.pause).to.equal(Math.min(before.pause * 2, limits.maxPause));
          } else {
            expect(breaker.state).to.equal('closed');
            expect(changes.at(-1)).to.include({ state: 'closed', failures: 0, pause: 0 });
            halfOpenAt = Infinity;
          }
        };
        /** Gives whether the call is made, as a tap asks. */
        const call = (): 'usual' | 'trial' | 'skipped' => {
          if (!breaker.blocked) {
            expect(breaker.state).to.equal('closed');
            counter.calls++;
            return 'usual';
          }
          const may = breaker.tryOnce();
          expect(may).to.equal(breaker.state === 'half-open' && !trying);
          if (may) counter.calls++;
          else counter.skipped++;
          return may ? 'trial' : 'skipped';
        };

        for (const one of steps) {
          if (typeof one === 'number') {
            now += one;
            mock.timers.tick(one);
          } else if (one === 'settle well' || one === 'settle ill') {
            if (trying) tried(one === 'settle ill');
            else if (waiting > 0) {
              waiting--;
              if (one === 'settle ill') failed();
            }
          } else {
            const made = call();
            if (made === 'trial') trying = true;
            if (one === 'begin') waiting += made === 'usual' ? 1 : 0;
            else if (made === 'usual' && one === 'fail') failed();
            else if (made === 'trial') tried(one === 'fail');
          }
          expect(breaker.blocked).to.equal(breaker.state !== 'closed');
          if (breaker.state !== 'closed') expect(breaker.state).to.equal(now >= halfOpenAt ? 'half-open' : 'open');
          expect(breaker.openings).to.equal(changes.filter(({ state }) => state === 'open').length);
          if (limits.failures === 0) expect(breaker.state).to.equal('closed');
        }

        // However ill it was, it comes back when it is well.
        if (trying) tried(false);
        now += limits.maxPause;
        mock.timers.tick(limits.maxPause);
        if (call() === 'trial') tried(false);
        expect(breaker.state).to.equal('closed');
      }),
    );
  });
});
