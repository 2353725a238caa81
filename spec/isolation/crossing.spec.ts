import { expect } from 'chai';
import { cross, uncross } from '../../lib/isolation/crossed.ts';
import type { Routing } from '../../lib/hooks/payloads.ts';
import { messages } from '../../lib/protocol/messages.ts';
import { ClientBatch } from '../../lib/traffic/client-batch.ts';
import { GuestBed, isolations } from '../support/guests.ts';
import { byName, pluginRow } from '../support/plugins.ts';
import { specSession } from '../support/tapped-relay.ts';
import { until } from '../support/until.ts';

for (const isolation of isolations) {
  describe(`what crosses to a plugin with isolation: ${isolation}, and what cannot`, () => {
    it('hears in route that nobody waits any more, with the reason', async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(
        isolation,
        `export default { apply({ hooks, logger }) {
          hooks.route.tapPromise('wait', ({ signal }) => new Promise((resolve) => {
            logger.info({ aborted: signal.aborted }, 'waits');
            signal.addEventListener('abort', () => {
              logger.info({ reason: signal.reason.message }, 'aborted');
              resolve();
            });
          }));
        } };`,
        { timeout: 10_000 },
      );
      const abort = new AbortController();
      const routing: Routing = { session: specSession, candidates: [], notice: () => undefined, signal: abort.signal };
      const routed = host.hooks.route.promise(routing);
      expect(await bed.line('waits')).to.include({ aborted: false });
      abort.abort(new Error('the client has gone'));
      expect(await bed.line('aborted')).to.include({ reason: 'the client has gone' });
      expect(await routed).to.equal(undefined);
    });

    it('hears of failures that were before it was started, and again when it is started again', async () => {
      await using bed = new GuestBed();
      bed.write(
        'early.js',
        `export default { apply({ reportError }) {
          for (let number = 0; number < 5; number++) reportError(new RangeError('early ' + number));
        } };`,
      );
      const host = await bed.guest(
        isolation,
        `export default { requires: { early: '*' }, apply({ hooks, plugins, logger }) {
          plugins.get('early').hooks.error.tap('listen', ({ error, plugin, phase }) => {
            logger.info({ plugin, phase, is: error instanceof RangeError }, 'heard ' + error.message);
          });
          hooks.tick.tap('die', () => void setTimeout(process.exit, 0, 1));
        } };`,
        { rows: [pluginRow({ name: 'early' }), pluginRow({ name: 'guest', isolation })] },
      );
      const heard = (): string[] => bed.log.flatMap(({ msg }) => (msg?.startsWith('heard ') ? [msg] : []));
      const all = Array.from({ length: 5 }, (_, number) => `heard early ${number}`);
      await until(() => heard().length >= all.length);
      expect(heard()).to.deep.equal(all);
      expect(await bed.line('heard early 4')).to.include({ phase: 'reported', is: true });
      bed.log.length = 0;
      host.hooks.tick.promise({ connections: 0 }).catch(() => undefined);
      await bed.line('plugin started again');
      await until(() => heard().length >= all.length);
      expect(heard()).to.deep.equal(all);
    });

    it('is refused by name where its config holds what cannot be sent', async () => {
      await using bed = new GuestBed();
      const row = { config: { list: [1, { callback: () => undefined }] } };
      const host = await bed.guest(isolation, 'export default { apply() {} };', { row });
      const report = byName(host.reports).get('guest');
      expect(report?.state).to.equal('failed');
      expect(report?.error).to.include({ code: 'ISOLATION_CANNOT_CROSS' });
      expect(report?.error?.message).to.contain('a function in config.list.1.callback');
    });

    it('has it said, once for each place, what of an event could not come in or go out', async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(
        isolation,
        `export default { apply({ hooks, logger, emit }) {
          hooks.hook.tap('hear', ({ name, data }) => {
            if (name !== 'in') return;
            logger.info({ data: JSON.stringify(data) }, 'came in');
            emit('out', { list: [1, , () => 1, 4] });
          });
        } };`,
      );
      const out: unknown[] = [];
      host.hooks.hook.tap('spec', ({ name, data }) => void (name === 'out' && out.push(data)));
      for (let round = 0; round < 3; round++) {
        await host.hooks.hook.promise({ name: 'in', data: { deep: [() => undefined], plain: 1 } });
      }
      await until(() => out.length === 3);
      expect(out[0]).to.deep.equal({ list: [1, undefined, undefined, 4] });
      expect(await bed.line('came in')).to.include({ data: '{"deep":[null],"plain":1}' });
      const said = bed.log.filter(({ code }) => code === 'ISOLATION_CANNOT_CROSS');
      expect(said.map(({ msg }) => msg)).to.have.length(1);
      expect(said[0]?.msg).to.contain('a function in data.deep.0 of event in');
      expect(bed.log.some(({ msg }) => msg?.includes("a function in data.list.2 of emit('out')"))).to.equal(true);
    });
  });
}

describe('a process that stops reading', () => {
  it('is sent only so much, and what it has not taken is no more than that', async () => {
    await using bed = new GuestBed();
    const host = await bed.guest(
      'process',
      `export default { apply({ hooks, logger }) {
        hooks.trafficFromClient.tap('count', () => undefined);
        logger.info({ pid: process.pid }, 'here');
      } };`,
      { timeout: 10_000 },
    );
    const pid = Number((await bed.line('here'))['pid']);
    process.kill(pid, 'SIGSTOP');
    const bytes = messages.query('x'.repeat(1024 * 1024)).bytes;
    let passed = 0;
    for (let call = 0; call < 200; call++) {
      host.hooks.trafficFromClient.callAsync(new ClientBatch(specSession, [bytes]), () => passed++);
    }
    const line = await bed.line('ISOLATION_OVERLOADED');
    expect(line.msg).to.match(/has 64 calls with 67\d{6} bytes under way/);
    await until(() => passed === 200 - 64);
    expect(bed.log.filter(({ code }) => code === 'ISOLATION_OVERLOADED')).to.have.length(1);
    process.kill(pid, 'SIGCONT');
    await until(() => passed === 200);
    await new Promise<void>((resolve) => {
      host.hooks.trafficFromClient.callAsync(new ClientBatch(specSession, [bytes]), () => resolve());
    });
    expect(bed.log.filter(({ code }) => code === 'ISOLATION_OVERLOADED')).to.have.length(1);
  });
});

describe('a value taken apart', () => {
  it('has undefined for the holes of a list, and says what it leaves out', () => {
    const left: string[] = [];
    const say = (path: string, kind: string): void => void left.push(`${path}: ${kind}`);
    const list: unknown[] = ['first'];
    list.length = 20_000;
    const crossed = uncross(cross({ list, odd: new WeakMap() }, say)) as { list: unknown[] };
    expect(crossed.list).to.have.length(10_000);
    expect(Object.keys(crossed.list)).to.have.length(10_000);
    expect(left[0]).to.equal('list: what comes after 10000 items');
    expect(left[1]).to.contain('odd: ');
  });
});
