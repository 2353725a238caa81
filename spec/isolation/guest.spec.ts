import { expect } from 'chai';
import { checkConfig } from '../../lib/config/check.ts';
import { byName, type LogLine } from '../support/plugins.ts';
import { GuestBed, isolations } from '../support/guests.ts';
import { until } from '../support/until.ts';

for (const isolation of isolations) {
  describe(`a plugin with isolation: ${isolation}`, () => {
    it('is loaded, is called with what happens, changes what it is asked about, and is deactivated', async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(
        isolation,
        `export default { version: '1.2.3', apply(host) {
          host.logger.info({ config: host.config, self: host.plugin.name, version: host.version }, 'applied');
          host.hooks.hook.tap('x', ({ name, data }) => { host.logger.info({ name, data }, 'heard'); });
          host.hooks.configLoaded.tap('config', (config) => ({
            ...config,
            pluginHost: { ...config.pluginHost, directory: './elsewhere' },
          }));
          return () => host.logger.info('gone');
        } };`,
        { row: { config: { depth: { of: 1 } } } },
      );
      expect(byName(host.reports).get('guest')).to.include({ state: 'loaded', version: '1.2.3' });
      expect(await bed.line('applied')).to.deep.include({
        plugin: 'guest',
        config: { depth: { of: 1 } },
        self: 'guest',
        version: '1.0.0',
      });
      await host.hooks.hook.promise({ name: 'news', data: { list: [1, null, 'two'] } });
      expect(await bed.line('heard')).to.deep.include({ name: 'news', data: { list: [1, null, 'two'] } });
      const changed = await host.hooks.configLoaded.promise(await checkConfig({}));
      expect(changed?.pluginHost.directory).to.equal('./elsewhere');
      await host.deactivate();
      await bed.line('gone');
      expect(byName(host.reports).get('guest')?.state).to.equal('unloaded');
    });

    it('has what it leaves uncaught on record with the hook it began in', async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(
        isolation,
        `export default { apply(host) {
          setTimeout(() => { throw new Error('of apply'); }, 1);
          host.hooks.hook.tap('rejects', () => { void Promise.reject(new Error('of a tap')); });
          host.hooks.signal.tapAsync('throws', (_, done) => { setTimeout(() => { throw null; }, 1); done(); });
        } };`,
      );
      await host.hooks.hook.promise({ name: 'news', data: null });
      await host.hooks.signal.promise({ signal: 'SIGHUP' });
      const uncaught = (): readonly LogLine[] => bed.logged('PLUGIN_UNCAUGHT');
      await until(() => uncaught().length === 3);
      expect(
        uncaught().map(({ hook, err }) => [hook, (err as { message?: string } | null)?.message]),
      ).to.have.deep.members([
        [null, 'of apply'],
        ['hook', 'of a tap'],
        ['signal', undefined],
      ]);
    });

    it('cannot have a tap that takes large messages, and its apply says so', async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(
        isolation,
        `export default { apply(host) {
          host.hooks.trafficFromClient.withOptions({ largeMessages: true }).tap('large', () => undefined);
        } };`,
      );
      const report = byName(host.reports).get('guest');
      expect(report?.state).to.equal('failed');
      expect(report?.error?.message).to.contain('where the stream of a large message cannot go');
    });

    it('has what it prints in the log, with its name', async () => {
      await using bed = new GuestBed();
      await bed.guest(
        isolation,
        `console.log('to the one'); console.error('to the other'); export default { apply() {} };`,
      );
      expect(await bed.line('to the one')).to.include({ plugin: 'guest', stream: 'stdout' });
      expect(await bed.line('to the other')).to.include({ plugin: 'guest', stream: 'stderr' });
    });

    it('has its errors reported as they were thrown, with stack, name, code and cause', async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(
        isolation,
        `export default { apply(host) {
          host.hooks.tick.tap('boom', () => {
            throw Object.assign(new TypeError('bang', { cause: new RangeError('why') }), { code: 'E_BANG' });
          });
          host.hooks.tick.tapAsync('later', (event, callback) => callback(null));
          host.reportError(new Error('reported'), { hook: 'tick' });
        } };`,
      );
      const failures: { error: unknown; hook: string | null; phase: string }[] = [];
      host.plugins.get('guest')?.hooks.error.tap('spec', (failure) => void failures.push(failure));
      await host.hooks.tick.promise({ connections: 1 });
      expect(failures).to.have.length(2);
      expect(failures[0]).to.include({ hook: 'tick', phase: 'reported' });
      expect(failures[1]).to.include({ hook: 'tick', phase: 'hook' });
      const error = failures[1]?.error as NodeJS.ErrnoException;
      expect(error).to.be.instanceOf(TypeError);
      expect(error).to.include({ message: 'bang', code: 'E_BANG' });
      expect(error.stack).to.match(/guest\.js:3:/);
      expect(error.cause).to.be.instanceOf(RangeError).and.include({ message: 'why' });
    });

    it('goes on after an unhandled rejection and an uncaught exception, which are reported as its own', async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(
        isolation,
        `export default { apply(host) {
          host.hooks.tick.tap('x', () => {
            setTimeout(() => { throw new Error('nobody caught this'); });
            Promise.reject(new Error('nor this'));
          });
          host.hooks.hook.tap('x', () => host.logger.info('alive'));
        } };`,
      );
      const messages: string[] = [];
      const phases = new Set<string>();
      host.plugins.get('guest')?.hooks.error.tap('spec', ({ error, phase }) => {
        messages.push((error as Error).message);
        phases.add(phase);
      });
      await host.hooks.tick.promise({ connections: 1 });
      await bed.line('Plugin guest left an error uncaught: nobody caught this');
      await bed.line('Plugin guest left an error uncaught: nor this');
      expect(messages.sort()).to.deep.equal(['nobody caught this', 'nor this']);
      expect([...phases]).to.deep.equal(['async']);
      await host.hooks.hook.promise({ name: 'x', data: null });
      await bed.line('alive');
    });
  });
}
