import { expect } from 'chai';
import type { PluginFailure } from '../../lib/hooks/loaded-plugin.ts';
import { FailureLog } from '../../lib/plugin/failure-log.ts';

const failure = (number: number): PluginFailure => ({
  error: number,
  plugin: 'a',
  version: '1.0.0',
  hook: null,
  phase: 'reported',
  generation: 1,
  suppressed: 0,
});

describe("a plugin's error hook", () => {
  it('replays its last 32 failures to a new tap, in order, then calls it with each new one', () => {
    const log = new FailureLog(() => undefined);
    for (let number = 1; number <= 40; number++) log.add(failure(number));
    const seen: unknown[] = [];
    log.hook.tap('spec', ({ error }) => void seen.push(error));
    log.add(failure(41));
    expect(seen).to.deep.equal(Array.from({ length: 33 }, (_, index) => 9 + index));
  });

  it('tells of a tap that fails, at replay and later, and calls the others', async () => {
    const failed: string[] = [];
    const log = new FailureLog((error, tap) => void failed.push(`${tap}: ${String(error)}`));
    log.add(failure(1));
    log.hook.tap('throwing', () => {
      throw new Error('thrown');
    });
    log.hook.tap('rejecting', (): unknown => Promise.reject(new Error('rejected')));
    const seen: unknown[] = [];
    log.hook.tap('good', ({ error }) => void seen.push(error));
    log.add(failure(2));
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).to.deep.equal([1, 2]);
    expect(failed.sort()).to.deep.equal([
      'rejecting: Error: rejected',
      'rejecting: Error: rejected',
      'throwing: Error: thrown',
      'throwing: Error: thrown',
    ]);
  });

  it('tells of an interceptor that throws, and goes on', () => {
    const failed: string[] = [];
    const log = new FailureLog((error, tap) => void failed.push(`${tap}: ${String(error)}`));
    log.hook.intercept({
      call: () => {
        throw new Error('thrown');
      },
    });
    log.add(failure(1));
    log.add(failure(2));
    expect(failed).to.deep.equal(['interceptor: Error: thrown', 'interceptor: Error: thrown']);
  });

  it('does not go round when a tap of it causes a failure', () => {
    const log = new FailureLog(() => undefined);
    let calls = 0;
    log.hook.tap('spec', () => {
      calls++;
      log.add(failure(2));
    });
    log.add(failure(1));
    expect(calls).to.equal(1);
  });
});
