import { expect } from 'chai';
import { inspect } from 'node:util';
import { GatewayDError } from '../../lib/errors.ts';
import { createHooks, type HookName, type Hooks } from '../../lib/hooks/hooks.ts';
import { emitSeries } from '../../lib/hooks/dispatch.ts';
import { createView } from '../../lib/hooks/view.ts';
import { caught } from '../support/caught.ts';
import { session } from '../support/payloads.ts';
import { RecordingOwner } from '../support/recording-owner.ts';

const nothing = (): void => {};
const names = (bus: Hooks): string[] => bus.opened.taps.map(({ name }) => name);

describe('the view of the bus', () => {
  let bus: Hooks;
  let view: Hooks;
  const viewOf = (name: string): Hooks => createView(bus, new RecordingOwner(name));

  beforeEach(() => {
    bus = createHooks();
    view = viewOf('audit');
  });

  const codeOf = async (attempt: () => unknown): Promise<string> => {
    const error = await caught(attempt);
    expect(error).to.be.instanceOf(GatewayDError);
    expect(error.message).to.contain('audit');
    return (error as GatewayDError).code;
  };

  it('has every hook of the bus', () => {
    expect(Object.keys(view)).to.deep.equal(Object.keys(bus));
    for (const name of Object.keys(bus) as HookName[]) expect(view[name].name).to.equal(name);
  });

  it('knows whether a hook is used by anyone', () => {
    expect(view.opened.isUsed()).to.be.false;
    viewOf('other').opened.tap('other', nothing);
    expect(view.opened.isUsed()).to.be.true;
  });

  it('can be awaited, inspected and asked whether it has a hook', async () => {
    expect(await Promise.resolve(view)).to.equal(view);
    expect(inspect(view)).to.contain('opened');
    expect(Reflect.has(view, 'opend')).to.be.false;
  });

  describe('names', () => {
    it("registers a tap under its plugin's name and its own", () => {
      view.opened.tap('rows', nothing);
      view.opened.tapAsync({ name: 'calls' }, (_session, callback) => callback());
      view.opened.tapPromise(' waits ', async () => {});
      expect(names(bus)).to.deep.equal(['audit:rows', 'audit:calls', 'audit:waits']);
    });

    it("uses the plugin's name for a tap that has no other", () => {
      view.opened.tap('audit', nothing);
      viewOf('mask').opened.tap('', nothing);
      viewOf('limit').opened.tap({ stage: 1 } as unknown as { name: string }, nothing);
      expect(names(bus)).to.deep.equal(['audit', 'mask', 'limit']);
    });

    it('numbers taps of one name', () => {
      for (let count = 0; count < 3; count++) view.opened.tap('audit', nothing);
      expect(names(bus)).to.deep.equal(['audit', 'audit#2', 'audit#3']);
    });
  });

  describe('order', () => {
    it('is that of tapping where nothing else is said', async () => {
      const order: string[] = [];
      for (const name of ['one', 'two', 'three']) viewOf(name).opened.tap(name, () => void order.push(name));
      await emitSeries(bus.opened, session);
      expect(order).to.deep.equal(['one', 'two', 'three']);
    });

    it('is by stage first', () => {
      view.opened.tap({ name: 'late', stage: 10 }, nothing);
      view.opened.tap('usual', nothing);
      view.opened.withOptions({ stage: -10 }).tap('early', nothing);
      expect(names(bus)).to.deep.equal(['audit:early', 'audit:usual', 'audit:late']);
    });

    it('puts a tap before all taps of the plugin it names', () => {
      viewOf('first').opened.tap('first', nothing);
      const mask = viewOf('mask');
      for (const name of ['mask', 'mask', 'rows']) mask.opened.tap(name, nothing);
      view.opened.tap({ name: 'audit', before: 'mask' }, nothing);
      expect(names(bus)).to.deep.equal(['first', 'audit', 'mask', 'mask#2', 'mask:rows']);
    });

    it('counts the numbered taps among those it names', () => {
      const mask = viewOf('mask');
      mask.opened.tap('mask', nothing);
      mask.opened.tap({ name: 'mask', stage: -1 }, nothing);
      view.opened.tap({ name: 'audit', before: 'mask' }, nothing);
      expect(names(bus)).to.deep.equal(['audit', 'mask#2', 'mask']);
    });

    it("puts a tap before one tap of another plugin, or of the plugin's own", () => {
      const mask = viewOf('mask');
      for (const name of ['rows', 'columns']) mask.opened.tap(name, nothing);
      view.opened.tap({ name: 'one', before: 'mask:columns' }, nothing);
      view.opened.withOptions({ before: 'one' }).tap('two', nothing);
      expect(names(bus)).to.deep.equal(['mask:rows', 'audit:two', 'audit:one', 'mask:columns']);
    });

    it('passes over a `before` that is not there', () => {
      viewOf('first').opened.tap('first', nothing);
      view.opened.tap({ name: 'audit', before: 'absent' }, nothing);
      expect(names(bus)).to.deep.equal(['first', 'audit']);
    });
  });

  describe('errors at tap time', () => {
    const hookOf = (name: string): unknown => (view as unknown as Record<string, unknown>)[name];

    for (const [wrong, nearest] of [
      ['opend', 'opened'],
      ['onTrafficFromClient', 'trafficFromClient'],
      ['OnClosed', 'closed'],
      ['trafficfromserver', 'trafficFromServer'],
    ] as const) {
      it(`asks whether ${nearest} was meant by ${wrong}`, async () => {
        expect(await codeOf(() => hookOf(wrong))).to.equal('HOOK_UNKNOWN');
        const { mend } = (await caught(() => hookOf(wrong))) as GatewayDError;
        expect(mend).to.contain(` ${nearest}?`);
      });
    }

    for (const [title, options, call] of [
      ['a tap without a function', 'audit', undefined],
      ['a function in the place of the name', nothing, undefined],
      ['no name', undefined, nothing],
      ['a name that is a number', { name: 1 }, nothing],
      ['a stage that is no number', { name: 'audit', stage: Number.NaN }, nothing],
      ['a `before` that is no name', { name: 'audit', before: [1] }, nothing],
    ] as const) {
      it(`refuses ${title}`, async () => {
        for (const method of ['tap', 'tapAsync', 'tapPromise'] as const) {
          const tap = view.opened[method] as (options: unknown, call: unknown) => void;
          expect(await codeOf(() => tap.call(view.opened, options, call))).to.equal('HOOK_BAD_TAP');
        }
        expect(bus.opened.isUsed()).to.be.false;
      });
    }
  });

  it('refuses what is for gatewayd alone', async () => {
    const hook = view.opened as unknown as Record<string, () => unknown>;
    for (const method of ['call', 'callAsync', 'promise', 'intercept']) {
      expect(await codeOf(() => hook[method]?.())).to.equal('HOOK_NOT_YOURS');
    }
    for (const property of ['taps', 'interceptors']) {
      expect(await codeOf(() => hook[property])).to.equal('HOOK_NOT_YOURS');
    }
  });

  it('cannot be changed', () => {
    expect(() => Object.assign(view, { opened: null })).to.throw(TypeError);
  });
});
