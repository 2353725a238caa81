import { expect } from 'chai';
import { once } from 'node:events';
import { checkConfig } from '../../lib/config/check.ts';
import type { GlobalConfig } from '../../lib/config/schema.ts';
import type { GatewayDError } from '../../lib/errors.ts';
import {
  bailNow,
  callBail,
  callSeries,
  emit,
  emitBail,
  emitSeries,
  emitWaterfall,
  seriesNow,
} from '../../lib/hooks/dispatch.ts';
import { createHooks, type Hooks } from '../../lib/hooks/hooks.ts';
import type { Routing, StartupEvent } from '../../lib/hooks/payloads.ts';
import { createView } from '../../lib/hooks/view.ts';
import { opening, ScopedText, session } from '../support/payloads.ts';
import { RecordingOwner } from '../support/recording-owner.ts';

const startup: StartupEvent = { version: '1.0.0', runtimeVersion: 'v20', devMode: false, plugins: [] };
const configOf = (config: object): GlobalConfig => config as GlobalConfig;

describe('dispatch', () => {
  let bus: Hooks;
  let view: Hooks;
  let order: string[];

  beforeEach(() => {
    bus = createHooks();
    view = createView(bus, new RecordingOwner('audit'));
    order = [];
  });

  describe('without a callback', () => {
    it('gives at once what synchronous taps gave, those that came after the first call too', () => {
      view.trafficFromClient.tap('first', () => void order.push('first'));
      const batch = () => new ScopedText('select') as never;
      expect(bailNow(bus.trafficFromClient, batch())).to.equal(undefined);
      view.trafficFromClient.tap('second', () => void order.push('second'));
      expect(bailNow(bus.trafficFromClient, batch())).to.equal(undefined);
      expect(bailNow(bus.trafficFromClient, batch())).to.equal(undefined);
      expect(order).to.deep.equal(['first', 'first', 'second', 'first', 'second']);
    });

    it('gives a promise where a tap waits, and calls the taps after it then', async () => {
      view.opened.tap('before', () => void order.push('before'));
      view.opened.tapPromise('slow', async () => {
        await new Promise(setImmediate);
        order.push('slow');
      });
      view.opened.tap('after', () => void order.push('after'));
      for (let call = 0; call < 2; call++) {
        const seen = seriesNow(bus.opened, session);
        order.push('called');
        expect(seen).to.be.an.instanceOf(Promise);
        expect(await seen).to.equal(undefined);
      }
      const round = ['before', 'called', 'slow', 'after'];
      expect(order).to.deep.equal([...round, ...round]);
    });

    it('leaves taps of gatewayd’s own to tapable', async () => {
      bus.opened.tap('own', () => void order.push('own'));
      view.opened.tap('plugin', () => void order.push('plugin'));
      await seriesNow(bus.opened, session);
      await seriesNow(bus.opened, session);
      expect(order).to.deep.equal(['own', 'plugin', 'own', 'plugin']);
    });
  });

  describe('AsyncSeries', () => {
    it('calls each tap when the one before has settled', async () => {
      view.opened.tapPromise('slow', async () => {
        await new Promise(setImmediate);
        order.push('slow');
      });
      view.opened.tapAsync('next', (_session, callback) => {
        setImmediate(() => {
          order.push('next');
          callback();
        });
      });
      view.opened.tap('last', () => void order.push('last'));
      await emitSeries(bus.opened, session);
      expect(order).to.deep.equal(['slow', 'next', 'last']);
    });

    it('waits for a promise returned from a plain tap', async () => {
      const plainly = (call: () => unknown): (() => void) => call;
      const later = (name: string): Promise<void> => new Promise<void>(setImmediate).then(() => void order.push(name));
      view.opened.tap(
        'async',
        plainly(async () => later('async')),
      );
      view.opened.tap(
        'plain',
        plainly(() => later('plain')),
      );
      await emitSeries(bus.opened, session);
      expect(order).to.deep.equal(['async', 'plain']);
    });

    it('takes no notice of what a tap returns', async () => {
      view.opened.tap('one', () => 1 as never);
      view.opened.tap('two', () => void order.push('two'));
      await emitSeries(bus.opened, session);
      expect(order).to.deep.equal(['two']);
    });
  });

  describe('AsyncSeriesBail', () => {
    it('ends with the first tap that returns something', async () => {
      view.opening.tap('no opinion', () => void order.push('no opinion'));
      view.opening.tapPromise('refuses', async (payload) => payload.refuse('28000', 'no'));
      view.opening.tap('never', () => void order.push('never'));
      const refusal = await emitBail(bus.opening, opening);
      expect(refusal?.error).to.deep.equal({ sqlstate: '28000', message: 'no' });
      expect(order).to.deep.equal(['no opinion']);
    });

    it('gives undefined when no tap returns anything', async () => {
      view.opening.tap('no opinion', () => {});
      expect(await emitBail(bus.opening, opening)).to.be.undefined;
    });

    it('takes a backend from a route tap', async () => {
      const [first, second] = [
        { name: 'default.writes', address: '127.0.0.1:5432' },
        { name: 'default.reads', address: '127.0.0.1:5433' },
      ];
      view.route.tapAsync('reads', ({ candidates }, callback) => callback(null, candidates[1]));
      const routing = { session, candidates: [first, second] } as unknown as Routing;
      expect(await emitBail(bus.route, routing)).to.equal(second);
    });
  });

  describe('AsyncSeriesWaterfall', () => {
    it('replaces the value by what a tap returns and keeps it for undefined', async () => {
      const config = await checkConfig({});
      const named = (name: string) => ({ ...config.clients, [name]: { writes: {} } }) as never;
      view.configLoaded.tap('replaces', (given) => ({ ...given, clients: named('one') }));
      view.configLoaded.tap('keeps', () => undefined as never);
      view.configLoaded.tapPromise('adds', async (given) => ({
        ...given,
        clients: { ...given.clients, two: given.clients['one']! },
      }));
      const changed = await emitWaterfall(bus.configLoaded, config);
      expect(Object.keys(changed.clients)).to.have.members(['default', 'one', 'two']);
      expect(changed.clients['two']!['writes']!.retries).to.equal(3);
    });

    it('leaves a wrong configuration out by name and keeps the changes of the others', async () => {
      const config = await checkConfig({});
      const level = (to: string) => (given: GlobalConfig) =>
        ({ ...given, loggers: { default: { ...given.loggers['default'], level: to } } }) as never;
      view.configLoaded.tap('good', level('debug'));
      const bad = new RecordingOwner('bad');
      createView(bus, bad).configLoaded.tap('wrong', level('loud'));
      view.configLoaded.tap('last', (given) => ({ ...given, pluginHost: { ...given.pluginHost, verify: 'off' } }));
      const changed = await emitWaterfall(bus.configLoaded, config);
      expect(changed.loggers['default']!.level).to.equal('debug');
      expect(changed.pluginHost.verify).to.equal('off');
      expect(bad.errors.map((error) => (error as GatewayDError).code)).to.deep.equal(['HOOK_BAD_CONFIG']);
      const { message } = bad.errors[0] as GatewayDError;
      expect(message).to.include('plugin bad returned').and.include('loggers.default.level');
    });

    it('gives the value itself when nobody taps', async () => {
      const config = configOf({});
      expect(await emitWaterfall(bus.configLoaded, config)).to.equal(config);
    });
  });

  describe('AsyncParallel', () => {
    it('calls every tap at once and waits for none', () => {
      view.startup.tapPromise('never', () => new Promise(() => {}));
      view.startup.tapAsync('neither', () => {});
      view.startup.tap('last', () => void order.push('last'));
      emit(bus.startup, startup);
      expect(order).to.deep.equal(['last']);
    });
  });

  describe('synchronous taps', () => {
    it('settle before the call returns', () => {
      for (let count = 0; count < 3; count++) view.trafficFromClient.tap('sync', () => void order.push('tap'));
      callBail(bus.trafficFromClient, new ScopedText('SELECT 1').payload, () => order.push('done'));
      expect(order).to.deep.equal(['tap', 'tap', 'tap', 'done']);
    });

    it('settle before the call returns when they call back at once', () => {
      view.traffic.tapAsync('sync', (_session, callback) => callback());
      callSeries(bus.traffic, session, () => order.push('done'));
      expect(order).to.deep.equal(['done']);
    });

    it('settle before the call returns beside a tap of the bus itself', () => {
      bus.traffic.tap('core', () => void order.push('core'));
      view.traffic.tap('sync', () => void order.push('tap'));
      callSeries(bus.traffic, session, () => order.push('done'));
      expect(order).to.deep.equal(['core', 'tap', 'done']);
    });

    it('do not use up the stack, however many they are', () => {
      // Tapped on tapable's own list: naming each among so many is not what this is about.
      view.traffic.tap('sync', () => void order.push('tap'));
      const [tap] = bus.traffic.taps;
      for (let count = 1; count < 20_000; count++) bus.traffic.taps.push(tap!);
      callSeries(bus.traffic, session, () => order.push('done'));
      expect(order).to.have.length(20_001);
      expect(order.at(-1)).to.equal('done');
    });
  });

  it('calls done at once for a hook nobody taps', async () => {
    callSeries(bus.traffic, session, () => order.push('series'));
    callBail(bus.opening, opening, (result) => order.push(result === undefined ? 'bail' : 'refusal'));
    expect(order).to.deep.equal(['series', 'bail']);
    emit(bus.startup, startup);
    await emitSeries(bus.opened, session);
    expect(await emitBail(bus.opening, opening)).to.be.undefined;
  });

  it('lets what done throws through to the caller, once', () => {
    view.traffic.tap('sync', () => {});
    const failing = (): never => {
      order.push('done');
      throw new RangeError('of the caller');
    };
    expect(() => callSeries(bus.traffic, session, failing)).to.throw(RangeError);
    expect(order).to.deep.equal(['done']);
  });

  describe("a failing tap of gatewayd's own", () => {
    const failure = new Error('of the core');
    const throwing = (): never => {
      throw failure;
    };
    for (const [title, tap] of [
      ['throws', () => bus.opened.tap('core', throwing)],
      ['throws before it calls back', () => bus.opened.tapAsync('core', throwing)],
      ['rejects', () => bus.opened.tapPromise('core', () => Promise.reject(failure))],
    ] as const) {
      it(`that ${title} ends the chain and surfaces as an uncaught exception`, async () => {
        tap();
        // Mocha's own listeners would take it for a failure of this test.
        const listeners = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
        process.removeAllListeners('uncaughtException');
        try {
          const uncaught = once(process, 'uncaughtException');
          await emitSeries(bus.opened, session);
          expect((await uncaught)[0]).to.equal(failure);
        } finally {
          for (const listener of listeners) process.on('uncaughtException', listener);
        }
      });
    }
  });
});
