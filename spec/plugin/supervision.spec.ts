import { expect } from 'chai';
import { GatewayDError } from '../../lib/errors.ts';
import { callBail, callSeries, emitSeries } from '../../lib/hooks/dispatch.ts';
import type { PluginFailure } from '../../lib/hooks/loaded-plugin.ts';
import type { PluginHost } from '../../lib/plugin/host.ts';
import { ScopedText, session } from '../support/payloads.ts';
import { byName, PluginBed, pluginRow } from '../support/plugins.ts';
import { until } from '../support/until.ts';

/** Source of a plugin with this body of `apply`. */
const applying = (body: string): string => `export default { version: '1.0.0', apply(host) { ${body} } };\n`;
const throwing = applying(`host.hooks.traffic.tap('bad', () => { throw new Error('of the plugin'); });`);

function emitTraffic(host: PluginHost, times: number): void {
  for (let count = 0; count < times; count++) callSeries(host.hooks.traffic, session, () => {});
}

function failuresOf(host: PluginHost, name: string): PluginFailure[] {
  const failures: PluginFailure[] = [];
  host.plugins.each((plugin) => {
    if (plugin.name === name) plugin.hooks.error.tap('spec', (failure) => void failures.push(failure));
  });
  return failures;
}

describe('the supervision of plugins', () => {
  it('leaves a plugin out that keeps failing, says so in one line and on record, and takes it back', async () => {
    await using bed = new PluginBed();
    bed.write(
      'bad.js',
      applying(`let calls = 0;
        host.hooks.traffic.tap('bad', () => { if (calls++ < 10) throw new Error('of the plugin'); });`),
    );
    const breaker = { failures: 10, ratio: 0.5, window: '10s', pause: '5ms', maxPause: '1s' };
    const host = await bed.load({ breaker });
    emitTraffic(host, 10_000);
    const [opened] = bed.logged('PLUGIN_TAPS_PAUSED');
    expect(opened).to.include({ plugin: 'bad', generation: 1, hook: 'traffic', failures: 10, calls: 10, pause: 5 });
    const failures = failuresOf(host, 'bad');
    expect(failures).to.have.length(11);
    expect(failures.at(-1)).to.include({ plugin: 'bad', hook: 'traffic', phase: 'hook', generation: 1 });
    expect((failures.at(-1)!.error as GatewayDError).code).to.equal('PLUGIN_TAPS_PAUSED');

    const read = () => host.plugins.get('bad')!.statistics.get('traffic')!;
    expect(read()).to.include({ calls: 10, errors: 10, skipped: 9_990, openings: 1 });
    await until(() => read().breaker === 'half-open');
    emitTraffic(host, 1);
    expect(read()).to.include({ calls: 11, breaker: 'closed' });
    const back = bed.log.filter(({ msg }) => msg === 'plugin is back in the hook it was left out of');
    expect(back).to.have.length(1);
    expect(back[0]).to.include({ plugin: 'bad', hook: 'traffic', skipped: 9_990 });
  });

  it('tells of few of thousands of failures, counts all, and says how many it left out', async () => {
    await using bed = new PluginBed();
    bed.write('bad.js', throwing);
    const host = await bed.load({ rows: [pluginRow({ name: 'bad', breaker: { failures: 0 } })] });
    const failures = failuresOf(host, 'bad');
    emitTraffic(host, 5_000);
    const told = bed.logged('PLUGIN_TAP_FAILED').length;
    expect(told).to.be.within(10, 100);
    expect(failures).to.have.length(told);
    expect(host.plugins.get('bad')!.statistics.get('traffic')).to.include({ calls: 5_000, errors: 5_000 });
    await host.deactivate();
    const sum = (lines: readonly object[]) =>
      lines.reduce((total, line) => total + ((line as { suppressed?: number }).suppressed ?? 0), 0);
    const inLog = [...bed.log.filter(({ msg }) => msg.startsWith('more failures')), ...bed.logged('PLUGIN_TAP_FAILED')];
    expect(sum(inLog) + told).to.equal(5_000);
    expect(sum(failures) + told).to.be.at.most(5_000);
  });

  it('tells hooks.error of how many it left out, though the log said so before', async () => {
    await using bed = new PluginBed();
    bed.write('bad.js', throwing);
    const host = await bed.load({ rows: [pluginRow({ name: 'bad', breaker: { failures: 0 } })] });
    const failures = failuresOf(host, 'bad');
    emitTraffic(host, 5_000);
    await until(() => bed.log.some(({ msg }) => msg.startsWith('more failures')));
    const told = failures.length;
    let emitted = 5_000;
    await until(() => {
      emitTraffic(host, 1);
      emitted += 1;
      return failures.length > told;
    });
    expect(failures.length + failures.reduce((sum, { suppressed }) => sum + suppressed, 0)).to.equal(emitted);
    await host.deactivate();
  });

  it('says at the end what the taps of a plugin did', async () => {
    await using bed = new PluginBed();
    bed.write('bad.js', throwing);
    bed.write('idle.js', applying(''));
    const host = await bed.load();
    emitTraffic(host, 100);
    await host.deactivate();
    const unloaded = (name: string) => bed.log.find(({ msg, plugin }) => msg === 'plugin unloaded' && plugin === name);
    expect(unloaded('bad')!['statistics'])
      .to.have.property('traffic')
      .that.includes({ calls: 10, errors: 10, skipped: 90, openings: 1 });
    expect(unloaded('idle')).not.to.have.property('statistics');
  });

  it('has the limits of the row before those of all plugins, and of a hook before those', async () => {
    await using bed = new PluginBed();
    bed.write(
      'slow.js',
      applying(
        `for (const hook of ['opened', 'closing', 'closed']) host.hooks[hook].tapPromise('waits', () => new Promise(() => {}));`,
      ),
    );
    bed.write('other.js', applying(`host.hooks.run.tapPromise('waits', () => new Promise(() => {}));`));
    const row = pluginRow({ name: 'slow', timeout: '11ms', timeouts: { closing: '12ms', closed: '0.013s' } });
    const host = await bed.load({ rows: [row], timeout: 14 });
    for (const hook of ['opened', 'closing', 'closed'] as const) await emitSeries(host.hooks[hook], session);
    await emitSeries(host.hooks.run, { name: 'default', address: '' });
    const limits = bed.logged('HOOK_TIMEOUT').map(({ hook, msg }) => [hook, /limit of (\d+) ms/.exec(msg)![1]]);
    expect(limits).to.deep.equal([
      ['opened', '11'],
      ['closing', '12'],
      ['closed', '13'],
      ['run', '14'],
    ]);
  });

  it('does not load a plugin whose row limits a hook that does not exist, and names the nearest', async () => {
    await using bed = new PluginBed();
    bed.write('a.js', applying(''));
    const host = await bed.load({ rows: [pluginRow({ name: 'a', timeouts: { trafficFromClients: '1s' } })] });
    const { error } = byName(host.reports).get('a')!;
    expect(error).to.include({ code: 'PLUGIN_BAD_LIMIT' });
    expect(error!.mend).to.include('trafficFromClient?');
  });

  it('has every change of a plugin on record, the last 64 of them, and in the log at level debug', async () => {
    await using bed = new PluginBed();
    bed.write(
      'changer.js',
      applying(`host.hooks.trafficFromClient.tap('change', (batch) => {
        if (batch.query === 'leave') return;
        if (batch.query === 'answer') return batch.reply({ columns: [], rows: [] });
        batch.replaceQuery('SELECT 2');
        if (batch.query === 'SELECT 2' && batch.fail) throw new Error('never');
      });`),
    );
    const host = await bed.load({ generation: 3 });
    const call = (query: string): void =>
      callBail(host.hooks.trafficFromClient, Object.assign(new ScopedText(query), { session }).payload, () => {});
    for (const query of ['leave', 'change', 'leave', 'answer']) call(query);
    const { changes, statistics } = host.plugins.get('changer')!;
    expect(changes).to.deep.equal(
      ['replaceQuery', 'reply'].map((kind, index) => ({
        kind,
        time: changes[index]!.time,
        hook: 'trafficFromClient',
        tap: 'changer:change',
        session: '1',
        generation: 3,
      })),
    );
    expect(Date.now() - changes[0]!.time).to.be.within(0, 60_000);
    expect(statistics.get('trafficFromClient')).to.include({ calls: 4, changes: 2 });
    expect(bed.log.filter(({ msg }) => msg === 'plugin changed a message')).to.have.length(2);
    for (let count = 0; count < 100; count++) call(count % 2 === 0 ? 'change' : 'answer');
    const last = host.plugins.get('changer')!.changes;
    expect(last).to.have.length(64);
    expect(last.map(({ kind }) => kind).slice(-2)).to.deep.equal(['replaceQuery', 'reply']);
  });

  it('calls neither error taps nor visitors of a plugin that failed or was unloaded', async () => {
    await using bed = new PluginBed();
    const watching = `host.plugins.each((plugin) => {
      globalThis.seen.push(host.plugin.name + ' visits ' + plugin.name);
      plugin.hooks.error.tap('watch', ({ error }) => globalThis.seen.push(host.plugin.name + ' hears ' + error.message));
    });`;
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    bed.write('a-fails.js', applying(`${watching} throw new Error('in apply');`));
    bed.write('b-watches.js', applying(watching));
    bed.write('c-fails.js', applying(`throw new Error('later');`));
    const host = await bed.load();
    expect(seen).to.include('a-fails visits a-fails').and.include('b-watches hears in apply');
    expect(seen).to.include('b-watches hears later').and.not.include('a-fails hears later');
    await host.deactivate();
    const { length } = seen;
    failuresOf(host, 'c-fails');
    expect(seen).to.have.length(length);
  });

  it('sets the level of loggers that plugins made from theirs, but for those with a level of their own', async () => {
    await using bed = new PluginBed();
    bed.write(
      'a.js',
      applying(`const child = host.logger.child({ part: 1 });
        const loggers = { child, grandchild: child.child({}), own: host.logger.child({}, { level: 'trace' }) };
        host.hooks.traffic.tap('a', () => { for (const [name, one] of Object.entries(loggers)) one.debug(name); });`),
    );
    const host = await bed.load();
    const said = (): readonly string[] =>
      bed.log.map(({ msg }) => msg).filter((msg) => /^(?:grand)?child$|^own$/.test(msg));
    emitTraffic(host, 1);
    expect(said()).to.deep.equal(['child', 'grandchild', 'own']);
    host.setLogLevel('info');
    emitTraffic(host, 1);
    expect(said()).to.deep.equal(['child', 'grandchild', 'own', 'own']);
  });

  it('sets the level of loggers that plugins have already', async () => {
    await using bed = new PluginBed();
    bed.write(
      'a.js',
      applying(`host.logger.debug('in apply'); host.hooks.traffic.tap('a', () => host.logger.debug('in a tap'));`),
    );
    const host = await bed.load();
    host.setLogLevel('info');
    emitTraffic(host, 1);
    expect(bed.log.map(({ msg }) => msg))
      .to.include('in apply')
      .and.not.include('in a tap');
  });
});
