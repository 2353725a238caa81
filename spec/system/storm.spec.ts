import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';
import { Ingest } from '../support/ingest.ts';
import { Folder } from '../support/launch.ts';

const seconds = 58;
const perSecond = 10_000;

/**
 * Fails 10,000 times a second in one hook; says how many times in all, and how much memory there is, each second. It
 * fails once more when the minute of the first events has passed.
 */
const storm = `export default { version: '1.0.0', apply(host) {
  host.hooks.hook.tap('storm', ({ name }) => { if (name === 'storm') throw new TypeError('of a storm'); });
  let failures = 0;
  const fail = () => { failures += 1; host.emit('storm', null); };
  host.hooks.startup.tap('begin', () => {
    const begun = performance.now();
    let said = 0;
    const timer = setInterval(() => {
      const passed = performance.now() - begun;
      if (passed > ${seconds * 1000}) {
        clearInterval(timer);
        setTimeout(() => { fail(); host.logger.info({ failures, passed }, 'over'); }, 5_000);
        return;
      }
      // No turn is to be so long that the watchdog takes it for a hang.
      for (let due = Math.min(passed / 1000 * ${perSecond} - failures, 500); due > 0; due--) fail();
      if (passed / 1000 < said) return;
      said += 1;
      host.logger.info({ failures, rss: process.memoryUsage.rss() / 2 ** 20 }, 'storming');
    }, 5);
  });
} };
`;

describe('error reports in a storm of 10,000 failures a second for a minute', () => {
  it('are five and the one after it, count every failure, and memory stays flat', async function () {
    this.timeout(240_000);
    using ingest = new Ingest();
    using folder = new Folder({ 'plugins/storm.js': storm });
    const config = {
      clients: { default: { writes: { address: '127.0.0.1:1' } } },
      servers: { default: { address: '127.0.0.1:0' } },
      plugins: [
        {
          name: 'telemetry',
          config: { usageReport: { enabled: false }, sentry: { dsn: await ingest.listen() } },
        },
        // Each failure is to be one: a breaker would leave the plugin alone.
        { name: 'storm', breaker: { failures: 0 } },
      ],
    };
    folder.write('gatewayd.yaml', JSON.stringify(config));
    await using gatewayd = await GatewayDProcess.start(['run', '-c', folder.at('gatewayd.yaml')], {
      environment: cleanEnvironment({ XDG_STATE_HOME: folder.at('state') }),
    });
    const over = await gatewayd.line(({ msg }) => msg === 'over');
    const failures = Number(over['failures']);
    // The next minutes are those of spec/telemetry, where the clock is put on.
    const events = await ingest.whenEvents(6);
    await gatewayd.stop();
    expect(events).to.have.length(6);
    expect(failures).to.be.greaterThan((seconds * perSecond) / 2);
    const told = events.reduce((sum, { extra }) => sum + 1 + Number(extra?.['suppressed'] ?? 0), 0);
    expect(told).to.equal(failures);
    for (const { tags } of events) expect(tags).to.include({ 'plugin.name': 'storm', hook: 'hook' });
    const sizes = gatewayd.lines.filter(({ msg }) => msg === 'storming').map(({ rss }) => Number(rss));
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    // From ten seconds on, when all code is warm. V8 takes some 20 MB more when it likes to; a leak of 100 bytes a failure
    // would be 45 MB.
    const [early, late] = [mean(sizes.slice(10, 20)), mean(sizes.slice(-10))];
    expect(late - early).to.be.lessThan(32);
    const log = readFileSync(folder.at('state/gatewayd/telemetry.log'), 'utf8');
    expect(log.match(/"half":"sentry"/g)).to.have.length(6);
  });
});
