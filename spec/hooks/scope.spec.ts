import { expect } from 'chai';
import { callBail, emitBail } from '../../lib/hooks/dispatch.ts';
import { createHooks, type Hooks } from '../../lib/hooks/hooks.ts';
import type { FromClient } from '../../lib/hooks/payloads.ts';
import { createView } from '../../lib/hooks/view.ts';
import { ScopedText } from '../support/payloads.ts';
import { RecordingOwner } from '../support/recording-owner.ts';

describe('a payload that expires', () => {
  let bus: Hooks;
  let owner: RecordingOwner;
  let view: Hooks;
  let text: ScopedText;
  let kept: FromClient[];

  beforeEach(() => {
    bus = createHooks();
    owner = new RecordingOwner('audit', { timeout: 5 });
    view = createView(bus, owner);
    text = new ScopedText('SELECT 1');
    kept = [];
  });

  const expectExpired = (): void => {
    expect(kept).not.to.be.empty;
    for (const payload of kept) expect(() => payload.query).to.throw('expired');
  };

  it('gives each tap a handle of its own, expired when the tap has returned', () => {
    for (const name of ['one', 'two']) view.trafficFromClient.tap(name, (payload) => void kept.push(payload));
    callBail(bus.trafficFromClient, text.payload, () => {});
    expect(text.log).to.deep.equal(['open', 'close', 'open', 'close']);
    expect(new Set(kept).size).to.equal(2);
    expectExpired();
  });

  it('is there for later taps with the changes of earlier ones', async () => {
    view.trafficFromClient.tap('one', (payload) => payload.replaceQuery('SELECT 2'));
    view.trafficFromClient.tap('two', (payload) => payload.replaceQuery(`${payload.query}, 3`));
    await emitBail(bus.trafficFromClient, text.payload);
    expect(text.query).to.equal('SELECT 2, 3');
  });

  it('is retained while an asynchronous tap runs, and expires when that has settled', async () => {
    view.trafficFromClient.tapPromise('slow', async (payload) => {
      kept.push(payload);
      await new Promise(setImmediate);
      payload.replaceQuery(`${payload.query}, 2`);
    });
    await emitBail(bus.trafficFromClient, text.payload);
    expect(text.log).to.deep.equal(['open', 'retain', 'close']);
    expect(text.query).to.equal('SELECT 1, 2');
    expectExpired();
  });

  it('is not retained for a tap that calls back at once', () => {
    view.trafficFromClient.tapAsync('quick', (_payload, callback) => callback());
    callBail(bus.trafficFromClient, text.payload, () => {});
    expect(text.log).to.deep.equal(['open', 'close']);
  });

  it('is closed before the chain ends with a verdict', async () => {
    view.trafficFromClient.tap('answers', (payload) => {
      kept.push(payload);
      return payload.reply({ columns: [], rows: [] });
    });
    const verdict = await emitBail(bus.trafficFromClient, text.payload);
    expect(verdict?.outcome.kind).to.equal('reply');
    expectExpired();
  });

  for (const [title, end] of [
    ['throws', () => Promise.reject(new Error('of the plugin'))],
    ['outlasts its limit', () => new Promise<never>(() => {})],
    ['returns what means nothing', async () => 1 as never],
  ] as const) {
    it(`is put back as it was when the tap ${title}`, async () => {
      view.trafficFromClient.tapPromise('bad', (payload) => {
        kept.push(payload);
        payload.replaceQuery('SELECT 2');
        return end();
      });
      await emitBail(bus.trafficFromClient, text.payload);
      expect(text.log).to.deep.equal(['open', 'retain', 'close, failed']);
      expect(text.query).to.equal('SELECT 1');
      expect(owner.failures).to.have.length(1);
      expectExpired();
    });
  }

  it('stays untouched by what a tap does after its limit', async () => {
    let late: Promise<void> | undefined;
    let goOn: (() => void) | undefined;
    view.trafficFromClient.tapPromise('late', (payload) => {
      late = new Promise<void>((resolve) => {
        goOn = resolve;
      }).then(() => payload.replaceQuery('SELECT 2'));
      return late;
    });
    await emitBail(bus.trafficFromClient, text.payload);
    goOn?.();
    await late?.catch(() => {});
    expect(text.query).to.equal('SELECT 1');
    expect(owner.errors.map(String)).to.have.length(2);
    expect(String(owner.errors[1])).to.equal('Error: expired');
  });

  it('is not opened for an inactive owner', async () => {
    view.trafficFromClient.tap('plain', () => {});
    owner.active = false;
    await emitBail(bus.trafficFromClient, text.payload);
    expect(text.log).to.be.empty;
  });
});
