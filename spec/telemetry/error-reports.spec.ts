import { expect } from 'chai';
import type { Deactivate } from '../../lib/plugin/plugin.ts';
import plugin from '../../plugins/telemetry/index.ts';
import { reportCoreError } from '../../plugins/telemetry/report-core-error.ts';
import { Ingest } from '../support/ingest.ts';
import { FakePlugin, telemetryConfig, TelemetryHost } from '../support/telemetry-host.ts';

// tsx gives mocha's files and what they import dynamically a copy each of a module; telemetry's is the latter.
const { defineErrors, GatewayDError } = await import('../../lib/errors.ts');
const ours = defineErrors({
  SPEC_FAILED: { message: 'The plugin "{plugin}" failed', mend: 'None.', sqlstate: '58000' },
});

describe('error reports', function () {
  // The SDK is imported from its sources here, all of it.
  this.timeout(30_000);
  let ingest: Ingest;
  let dsn: string;
  let host: TelemetryHost;
  let first: FakePlugin;
  let second: FakePlugin;
  let deactivate: Deactivate;

  beforeEach(async () => {
    ingest = new Ingest();
    dsn = await ingest.listen();
    first = new FakePlugin('first', { checksum: '1'.repeat(64) });
    second = new FakePlugin('second', { version: '4.5.6', checksum: '2'.repeat(64) });
    host = new TelemetryHost([first, second]);
  });

  afterEach(async () => {
    await deactivate();
    ingest.close();
  });

  async function apply(sentry: object = {}): Promise<void> {
    deactivate = await host.apply(plugin, telemetryConfig({ sentry: { enabled: true, dsn, ...sentry } }));
  }

  const core = (error: unknown, fatal = false) =>
    host.bus.hook.promise({ name: 'gatewayd.error', data: { error, fatal } });

  it('name no plugin by what cannot be the name of one: a path in a row, an address for a file', async () => {
    const path = new FakePlugin('/home/alice/hsm', { checksum: '' });
    const address = new FakePlugin('alice@example.com', { checksum: '' });
    const scoped = new FakePlugin('@acme/audit', { checksum: '3'.repeat(64) });
    host = new TelemetryHost([path, address, scoped]);
    await apply();
    await host.startup();
    for (const one of [path, address, scoped]) one.fail(new Error('no'), null, 'load');
    const events = await ingest.whenEvents(3);
    expect(events.map(({ tags }) => tags?.['plugin.name'])).to.have.members(['other', 'other', '@acme/audit']);
    expect(JSON.stringify(events)).to.not.include('alice');
  });

  it('name the plugin, its version and checksum, the hook and the phase', async () => {
    await apply({ environment: 'staging' });
    await host.startup();
    first.fail(new TypeError('no'), 'trafficFromClient');
    second.fail(new RangeError('no'), null, 'apply');
    const events = await ingest.whenEvents(2);
    expect(events.map(({ tags }) => tags)).to.deep.equal([
      {
        'plugin.name': 'first',
        'plugin.version': '1.2.3',
        'plugin.checksum': '1'.repeat(64),
        hook: 'trafficFromClient',
        phase: 'hook',
      },
      {
        'plugin.name': 'second',
        'plugin.version': '4.5.6',
        'plugin.checksum': '2'.repeat(64),
        hook: 'none',
        phase: 'apply',
      },
    ]);
    expect(events.map(({ exception }) => exception!.values[0]!.type)).to.deep.equal(['TypeError', 'RangeError']);
    for (const event of events)
      expect(event).to.include({ release: 'gatewayd@1.0.0', environment: 'staging', level: 'error' });
  });

  it('hold what failed before the plugin was applied and before the servers listened', async () => {
    first.fail(new TypeError('before it was applied'));
    await apply();
    second.fail(new TypeError('before the servers listened'));
    expect(ingest.events).to.deep.equal([]);
    await host.startup();
    const events = await ingest.whenEvents(2);
    expect(events.map(({ tags }) => tags!['plugin.name'])).to.deep.equal(['first', 'second']);
  });

  it('hold what fails in a plugin that was loaded later', async () => {
    await apply();
    await host.startup();
    const late = new FakePlugin('later');
    host.add(late);
    late.fail(new Error('no'));
    const [event] = await ingest.whenEvents(1);
    expect(event!.tags!['plugin.name']).to.equal('later');
  });

  it('come one for one, each failure once, the same error object too', async () => {
    await apply();
    await host.startup();
    const error = new Error('no');
    first.fail(error);
    await ingest.whenEvents(1);
    first.fail(error);
    second.fail(error);
    const events = await ingest.whenEvents(3);
    expect(events).to.have.length(3);
  });

  it('have no plugin to name for an error of the core', async () => {
    await apply();
    await core(new RangeError('no'));
    await host.startup();
    await core(new TypeError('no'));
    const events = await ingest.whenEvents(2);
    expect(events.map(({ tags }) => tags)).to.deep.equal([{}, {}]);
  });

  it('are out before a fatal error has been dealt with', async () => {
    await apply();
    await core(new RangeError('no'), true);
    expect(ingest.events.map(({ level }) => level)).to.deep.equal(['fatal']);
  });

  it('carry code and SQLSTATE, and no text of anybody but us', async () => {
    await apply();
    await host.startup();
    const cause = Object.assign(new Error('duplicate key (email)=(a@b.c)'), { code: '23505', severity: 'ERROR' });
    first.fail(new GatewayDError(ours.SPEC_FAILED, { plugin: 'a secret' }, { cause }));
    first.fail(cause);
    first.fail(Object.assign(new Error('connect 192.0.2.1'), { code: 'ECONNREFUSED' }));
    const events = await ingest.whenEvents(3);
    expect(events[0]!.exception!.values.map(({ type, value }) => [type, value])).to.deep.equal([
      ['Error', undefined],
      ['GatewayDError', 'The plugin "{plugin}" failed'],
    ]);
    expect(events.map(({ tags }) => [tags!['code'], tags!['sqlstate']])).to.deep.equal([
      ['SPEC_FAILED', '58000'],
      [undefined, '23505'],
      ['ECONNREFUSED', undefined],
    ]);
  });

  it('carry no text of a GatewayDError that a plugin worded', async () => {
    await apply();
    await host.startup();
    first.fail(new GatewayDError({ code: 'MINE', message: 'user bob failed', mend: '' }));
    const [event] = await ingest.whenEvents(1);
    expect(event!.exception!.values[0]).not.to.have.property('value');
  });

  it('carry the texts when the config says so', async () => {
    await apply({ messages: true });
    await host.startup();
    first.fail(new Error('what happened', { cause: 'a string' }));
    const [event] = await ingest.whenEvents(1);
    expect(event!.exception!.values.map(({ type, value }) => [type, value])).to.deep.equal([
      ['NonError', 'a string'],
      ['Error', 'what happened'],
    ]);
  });

  it('are kept back in a storm, one plugin and hook without the other', async () => {
    await apply();
    await host.startup();
    for (let count = 0; count < 10_000; count += 1) first.fail(new Error('no'), 'opening');
    second.fail(new Error('no'), 'opening');
    first.fail(new Error('no'), 'closed');
    await ingest.whenEvents(7);
    const told = ingest.events.map(({ tags }) => `${tags!['plugin.name']} ${tags!['hook']}`);
    expect(told.filter((one) => one === 'first opening')).to.have.length(5);
    expect(told.filter((one) => one === 'second opening')).to.have.length(1);
    expect(told.filter((one) => one === 'first closed')).to.have.length(1);
  });

  it('count exactly in each minute of a storm, five to each', async () => {
    const { performance } = globalThis;
    const now = performance.now.bind(performance);
    let passed = 0;
    performance.now = () => now() + passed;
    try {
      await apply();
      await host.startup();
      // What fails before the reporter is there is remembered up to a point: the storm comes when it is.
      first.fail(new Error('no'), 'closed');
      await ingest.whenEvents(1);
      let failures = 0;
      for (let minute = 1; minute <= 3; minute += 1) {
        for (let count = 0; count < 10_000 * minute; count += 1) first.fail(new Error('no'), 'opening');
        failures += 10_000 * minute;
        await ingest.whenEvents(1 + 5 * minute);
        passed += 60_000;
      }
      first.fail(new Error('no'), 'opening');
      const events = (await ingest.whenEvents(17)).slice(1);
      const suppressed = events.map(({ extra }) => Number(extra?.['suppressed'] ?? 0));
      expect(suppressed.reduce((sum, more) => sum + more, events.length)).to.equal(failures + 1);
      expect(suppressed.at(-1)).to.equal(30_000 - 5);
      expect(suppressed.filter((more) => more > 0)).to.have.length(3);
    } finally {
      performance.now = now;
    }
  });

  it('stop while the ingest asks for quiet', async () => {
    ingest.status = 429;
    ingest.headers = { 'retry-after': '60' };
    await apply();
    await host.startup();
    first.fail(new Error('no'), 'opening');
    await ingest.whenEvents(1);
    // The answer is on its way; it has arrived when the flush of a fatal error is through.
    await core(new Error('no'), true);
    const before = ingest.events.length;
    second.fail(new Error('no'), 'opening');
    await core(new Error('no'), true);
    expect(ingest.events.length).to.equal(before);
  });

  for (const [limits, obeyed] of [
    ['60:error:organization', true],
    ['60:transaction;error:key, 120:session:key', true],
    ['60::organization', true],
    ['60:transaction;session:organization', false],
  ] as const) {
    it(`${obeyed ? 'stop' : 'go on'} where the ingest answers with the rate limits ${limits}`, async () => {
      ingest.headers = { 'x-sentry-rate-limits': limits };
      await apply();
      await host.startup();
      first.fail(new Error('no'), 'opening');
      await ingest.whenEvents(1);
      // The answer has arrived when the flush of a fatal error is through.
      await core(new Error('no'), true);
      const before = ingest.events.length;
      second.fail(new Error('no'), 'opening');
      await core(new Error('no'), true);
      expect(ingest.events.length > before).to.equal(!obeyed);
    });
  }

  it('are held to the same limits by the next generation of plugins', async () => {
    await apply();
    await host.startup();
    for (let count = 0; count < 20; count += 1) first.fail(new Error('no'), 'opening');
    await ingest.whenEvents(5);
    // As at a reload: the next generation is there before the last one goes.
    const again = new FakePlugin('first', { checksum: '1'.repeat(64) });
    const next = new TelemetryHost([again]);
    const deactivateNext = await next.apply(plugin, telemetryConfig({ sentry: { enabled: true, dsn } }));
    await deactivate();
    deactivate = deactivateNext;
    for (let count = 0; count < 20; count += 1) again.fail(new Error('no'), 'opening');
    again.fail(new Error('no'), 'closed');
    const events = await ingest.whenEvents(6);
    expect(events.map(({ tags }) => tags!['hook'])).to.deep.equal([...Array<string>(5).fill('opening'), 'closed']);
  });

  it('survive anything that can be thrown', async () => {
    await apply({ messages: true });
    await host.startup();
    const hostile = new Proxy(new Error('no'), {
      get() {
        throw new Error('hostile');
      },
      getPrototypeOf() {
        throw new Error('hostile');
      },
    });
    const circle = new Error('round');
    circle.cause = circle;
    const hooks = Object.keys(host.bus);
    const thrown = [
      null,
      undefined,
      0,
      Symbol('s'),
      10n,
      hostile,
      circle,
      Object.create(null),
      () => {},
      { toJSON: 1 },
    ];
    for (const [index, error] of thrown.entries()) first.fail(error, hooks[index]);
    const events = await ingest.whenEvents(thrown.length);
    expect(events.map(({ tags }) => tags!['hook'])).to.deep.equal(hooks.slice(0, thrown.length));
  });

  it('leave nothing behind in the process: no listener, no hold on the global scope', async () => {
    const count = () => process.eventNames().map((name) => [name, process.listenerCount(name)]);
    const before = count();
    const patched = () => Object.getOwnPropertyDescriptor(Function.prototype, 'toString')!.value as unknown;
    const toString = patched();
    await apply();
    await host.startup();
    first.fail(new Error('no'));
    await ingest.whenEvents(1);
    expect(count()).to.deep.equal(before);
    expect(patched()).to.equal(toString);
    const { getClient } = await import('@sentry/node');
    expect(getClient()).to.equal(undefined);
  });

  it('of a command are out when it ends', async () => {
    deactivate = () => {};
    await reportCoreError(new RangeError('no'), { dsn, environment: 'production', release: '1.0.0', messages: false });
    expect(ingest.events.map(({ level, tags }) => [level, tags])).to.deep.equal([['fatal', {}]]);
  });
});
