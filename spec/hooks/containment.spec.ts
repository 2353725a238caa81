import { expect } from 'chai';
import { once } from 'node:events';
import { GatewayDError } from '../../lib/errors.ts';
import { callBail, emit, emitBail, emitSeries, emitWaterfall } from '../../lib/hooks/dispatch.ts';
import { createHooks, type Hooks } from '../../lib/hooks/hooks.ts';
import { Refusal, Verdict } from '../../lib/hooks/verdict.ts';
import { createView } from '../../lib/hooks/view.ts';
import { opening, ScopedText, session } from '../support/payloads.ts';
import { RecordingOwner } from '../support/recording-owner.ts';

describe('containment', () => {
  let bus: Hooks;
  let owner: RecordingOwner;
  let view: Hooks;
  /** How often the tap after the failing one was called. */
  let after: number;

  beforeEach(() => {
    bus = createHooks();
    owner = new RecordingOwner('audit', { timeout: 5 });
    view = createView(bus, owner);
    after = 0;
  });

  const emitOpened = async (): Promise<void> => {
    if (!bus.opened.taps.some(({ name }) => name === 'other')) {
      createView(bus, new RecordingOwner('other')).opened.tap('other', () => void after++);
    }
    await emitSeries(bus.opened, session);
  };
  const codes = (): string[] => owner.errors.map((error) => (error as GatewayDError).code);

  const error = new Error('of the plugin');
  const failures: readonly [title: string, tap: (view: Hooks) => void, error: unknown][] = [
    ['throws', ({ opened }) => opened.tap('bad', thrower(error)), error],
    ['throws null', ({ opened }) => opened.tap('bad', thrower(null)), null],
    ['throws undefined', ({ opened }) => opened.tap('bad', thrower(undefined)), undefined],
    ['throws a string', ({ opened }) => opened.tap('bad', thrower('text')), 'text'],
    ['rejects', ({ opened }) => opened.tapPromise('bad', () => Promise.reject(error)), error],
    ['throws where it should return a promise', ({ opened }) => opened.tapPromise('bad', thrower(error)), error],
    [
      'returns a promise that rejects',
      ({ opened }) =>
        opened.tap(
          'bad',
          plainly(() => Promise.reject(error)),
        ),
      error,
    ],
    ['calls back with an error', ({ opened }) => opened.tapAsync('bad', (_, callback) => callback(error)), error],
    [
      'calls back later with an error',
      ({ opened }) => opened.tapAsync('bad', (_, callback) => void setImmediate(callback, error)),
      error,
    ],
    ['throws where it should call back', ({ opened }) => opened.tapAsync('bad', thrower(error)), error],
    [
      'throws after it called back',
      ({ opened }) =>
        opened.tapAsync('bad', (_, callback) => {
          callback();
          throw error;
        }),
      error,
    ],
    [
      'returns a thenable that throws',
      ({ opened }) =>
        opened.tap(
          'bad',
          plainly(() => ({
            // eslint-disable-next-line unicorn/no-thenable -- that is the point
            get then(): never {
              throw error;
            },
          })),
        ),
      error,
    ],
  ];
  for (const [title, tap, expected] of failures) {
    it(`reports a tap that ${title}, and goes on`, async () => {
      tap(view);
      await emitOpened();
      expect(owner.failures).to.deep.equal([
        { error: expected, context: { hook: 'opened', phase: 'hook', tap: 'audit:bad' } },
      ]);
      expect(after).to.equal(1);
    });
  }

  it('calls a tap again after it failed', async () => {
    view.opened.tap('bad', thrower(error));
    for (let count = 0; count < 3; count++) await emitOpened();
    expect(owner.errors).to.deep.equal([error, error, error]);
    expect(after).to.equal(3);
  });

  it('reports and ignores a second answer', async () => {
    view.opening.tapAsync('twice', (payload, callback) => {
      callback();
      callback(error, payload.refuse('28000', 'no'));
    });
    expect(await emitBail(bus.opening, opening)).to.be.undefined;
    expect(codes()).to.deep.equal(['HOOK_ANSWERED_TWICE']);
    expect((owner.errors[0] as Error).cause).to.equal(error);
  });

  it('reports an answer that comes after the tap threw', async () => {
    let answer: () => void = () => {};
    view.opened.tapAsync('both', (_, callback) => {
      answer = callback;
      throw error;
    });
    await emitOpened();
    answer();
    expect(owner.errors[0]).to.equal(error);
    expect((owner.errors[1] as GatewayDError).code).to.equal('HOOK_ANSWERED_TWICE');
  });

  it("surfaces what the owner's own fail throws, and goes on", async () => {
    const fault = new Error('of the host');
    owner.fail = thrower(fault);
    view.opened.tap('bad', thrower(error));
    const listeners = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
    process.removeAllListeners('uncaughtException');
    try {
      const uncaught = once(process, 'uncaughtException');
      await emitOpened();
      expect((await uncaught)[0]).to.equal(fault);
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    expect(after).to.equal(1);
  });

  describe('a time limit', () => {
    for (const [title, tap] of [
      ['a promise', () => view.opened.tapPromise('slow', () => new Promise(() => {}))],
      ['a callback', () => view.opened.tapAsync('slow', () => {})],
      [
        'a promise from a plain tap',
        () =>
          view.opened.tap(
            'slow',
            plainly(() => new Promise(() => {})),
          ),
      ],
    ] as const) {
      it(`ends the wait for ${title}, naming plugin, hook and limit`, async () => {
        tap();
        await emitOpened();
        expect(codes()).to.deep.equal(['HOOK_TIMEOUT']);
        const { message } = owner.errors[0] as Error;
        expect(message).to.equal('Tap audit:slow of plugin audit on hook opened took longer than its limit of 5 ms');
        expect(after).to.equal(1);
      });
    }

    it('may be longer than a timer of Node can be', async () => {
      owner.timeout = 1e12;
      // Node takes a delay that is too long for 1 ms.
      view.opened.tapPromise('slow', () => new Promise<void>((resolve) => void setTimeout(resolve, 5)));
      await emitOpened();
      expect(owner.failures).to.be.empty;
    });

    it('makes a late result be ignored', async () => {
      const late = deferred<Refusal>();
      view.opening.tapPromise('late', () => late.promise);
      expect(await emitBail(bus.opening, opening)).to.be.undefined;
      late.resolve(opening.refuse('28000', 'no'));
      await new Promise(setImmediate);
      expect(codes()).to.deep.equal(['HOOK_TIMEOUT']);
    });

    it('makes a late result be ignored even where it is none', async () => {
      const late = deferred<never>();
      view.opening.tapPromise('late', () => late.promise);
      await emitBail(bus.opening, opening);
      late.resolve('garbage' as never);
      await new Promise(setImmediate);
      expect(codes()).to.deep.equal(['HOOK_TIMEOUT']);
    });

    it('makes a late rejection be reported beside the timeout', async () => {
      const late = deferred<void>();
      view.opened.tapPromise('late', () => late.promise);
      await emitOpened();
      late.reject(error);
      await new Promise(setImmediate);
      expect(owner.errors).to.have.length(2);
      expect(owner.errors[1]).to.equal(error);
      expect(after).to.equal(1);
    });

    it('keeps the process from ending where it is waited for, and there only', async () => {
      view.opened.tapPromise('slow', () => new Promise(() => {}));
      const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
      const before = timers();
      view.startup.tapPromise('slow', () => new Promise(() => {}));
      emit(bus.startup, { version: '1.0.0', runtimeVersion: 'v20', devMode: false, plugins: [] });
      expect(timers()).to.equal(before);
      const opened = emitOpened();
      expect(timers()).to.equal(before + 1);
      await opened;
    });
  });

  describe('a result that is none', () => {
    const lookalike = Object.create(Verdict.prototype) as Verdict;
    const results: readonly [string, unknown][] = [
      ['null', null],
      ['a number', 3],
      ['a string', '42501'],
      ['an object', { error: { sqlstate: '42501', message: 'no' } }],
      ['an object with the prototype of a verdict', lookalike],
      ['a refusal, which is for opening', opening.refuse('28000', 'no')],
    ];
    for (const [title, result] of results) {
      it(`is reported and ignored: ${title} from a traffic hook`, async () => {
        view.trafficFromClient.tap('plain', () => result as Verdict);
        view.trafficFromClient.tapPromise('promise', async () => result as Verdict);
        view.trafficFromClient.tapAsync('callback', (_, callback) => callback(null, result as Verdict));
        expect(await emitBail(bus.trafficFromClient, new ScopedText('SELECT 1').payload)).to.be.undefined;
        expect(codes()).to.deep.equal(['HOOK_BAD_RESULT', 'HOOK_BAD_RESULT', 'HOOK_BAD_RESULT']);
      });
    }

    it('is reported without its content', async () => {
      view.opening.tap('bad', () => 'a secret' as never);
      await emitBail(bus.opening, opening);
      expect((owner.errors[0] as Error).message)
        .to.contain('a string')
        .and.not.contain('secret');
    });

    it('is a backend without an address, from route', async () => {
      view.route.tap('bad', () => ({ name: 'default.writes' }) as never);
      expect(await emitBail(bus.route, {} as never)).to.be.undefined;
      expect(codes()).to.deep.equal(['HOOK_BAD_RESULT']);
    });

    it('is anything but an object, from configLoaded', async () => {
      for (const result of [null, 1, []]) view.configLoaded.tap('bad', () => result as never);
      const config = {} as never;
      expect(await emitWaterfall(bus.configLoaded, config)).to.equal(config);
      expect(codes()).to.deep.equal(['HOOK_BAD_RESULT', 'HOOK_BAD_RESULT', 'HOOK_BAD_RESULT']);
    });
  });

  describe('with onError: refuse', () => {
    beforeEach(() => {
      owner.onError = 'refuse';
    });

    it('refuses the client at opening, without a word of the error', async () => {
      view.opening.tap('guard', thrower(new Error('a secret')));
      const refusal = (await emitBail(bus.opening, opening)) as Refusal;
      expect(Refusal.is(refusal)).to.be.true;
      expect(refusal.error).to.deep.equal({
        sqlstate: '58000',
        message: 'a plugin that guards this connection failed',
      });
    });

    for (const hook of ['trafficFromClient', 'trafficFromServer'] as const) {
      it(`ends the chain of ${hook} by what its payload gives`, () => {
        view[hook].tap('guard', thrower(error));
        view[hook].tap('after', () => void after++);
        let verdict: Verdict | void;
        callBail(bus[hook] as Hooks['trafficFromClient'], new ScopedText('SELECT 1').payload, (result) => {
          verdict = result;
        });
        expect(verdict!.outcome).to.have.nested.property('error.sqlstate', '58000');
        expect(after).to.equal(0);
        expect(owner.errors).to.deep.equal([error]);
      });
    }

    it('refuses when the guard outlasts its limit, and when it returns what means nothing', async () => {
      view.opening.tapPromise('slow', () => new Promise(() => {}));
      expect(Refusal.is(await emitBail(bus.opening, opening))).to.be.true;
      bus = createHooks();
      createView(bus, owner).opening.tap('wrong', () => ({ refuse: true }) as never);
      expect(Refusal.is(await emitBail(bus.opening, opening))).to.be.true;
      expect(codes()).to.deep.equal(['HOOK_TIMEOUT', 'HOOK_BAD_RESULT']);
    });

    it('goes on at any other hook', async () => {
      view.opened.tap('guard', thrower(error));
      await emitOpened();
      view.route.tap('guard', thrower(error));
      expect(await emitBail(bus.route, {} as never)).to.be.undefined;
      expect(after).to.equal(1);
    });
  });

  describe('an inactive owner', () => {
    it('has taps that do nothing', async () => {
      let called = 0;
      view.opened.tap('plain', () => void called++);
      view.opened.tapPromise('promise', async () => void called++);
      view.opened.tapAsync('callback', (_, callback) => {
        called++;
        callback();
      });
      owner.active = false;
      await emitOpened();
      expect(called).to.equal(0);
      expect(after).to.equal(1);
      owner.active = true;
      await emitOpened();
      expect(called).to.equal(3);
    });
  });

  describe("the owner's AsyncLocalStorage", () => {
    it('is entered for its taps, whether synchronous or not, and not for those of others', async () => {
      const { storage } = RecordingOwner;
      const inside: Record<string, string | undefined> = {};
      const note = (name: string): void => {
        inside[name] = storage.getStore();
      };
      view.opened.tap('function', () => note('function'));
      view.opened.tapPromise('promise', async () => note('promise'));
      view.opened.tap(
        'async function',
        plainly(async () => note('async function')),
      );
      view.opened.tapAsync('callback', (_, callback) => {
        note('callback');
        setImmediate(() => {
          note('in a timer of the callback');
          callback();
        });
      });
      createView(bus, new RecordingOwner('other')).opened.tap('other', () => note('another plugin'));
      await emitOpened();
      expect(inside).to.deep.equal({
        function: 'audit',
        promise: 'audit',
        'async function': 'audit',
        callback: 'audit',
        'in a timer of the callback': 'audit',
        'another plugin': 'other',
      });
      expect(storage.getStore()).to.be.undefined;
    });
  });
});

/** What a plugin without types may give to a plain `tap`. */
function plainly(call: () => unknown): () => void {
  return call;
}

function thrower(thrown: unknown): () => never {
  return () => {
    throw thrown;
  };
}

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: unknown): void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
