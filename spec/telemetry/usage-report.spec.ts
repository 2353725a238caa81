import { once } from 'node:events';
import { expect } from 'chai';
import { silentLogger } from '../../lib/logger.ts';
import { sendUsageReport } from '../../plugins/telemetry/usage-report.ts';
import { Collector } from '../support/collector.ts';
import { ownHome } from '../support/own-home.ts';
import { SilentServer } from '../support/silent-server.ts';

const source = { version: '1.0.0', devMode: false, plugins: [] };
const to = { enabled: true, tls: false, caFile: '', plugins: 'all' } as const;

Object.assign(process.env, ownHome);

describe('the usage report of a start', () => {
  it('is sent once, and ends', async () => {
    const collector = new Collector();
    const address = `127.0.0.1:${await collector.listen()}`;
    const life = new AbortController();
    await sendUsageReport({ source, to: { ...to, address }, life: life.signal, logger: silentLogger() });
    collector.close();
    expect(collector.reports).to.have.length(1);
  });

  it('gives up by itself, socket and all, when the collector never answers and nobody stops it', async () => {
    const silent = new SilentServer();
    const address = `127.0.0.1:${await silent.listen()}`;
    const spokenTo = silent.spokenTo();
    const life = new AbortController();
    const sending = sendUsageReport({ source, to: { ...to, address }, life: life.signal, logger: silentLogger() });
    const closed = once(await spokenTo, 'close');
    await sending;
    await closed;
    expect(life.signal.aborted).to.equal(false);
    silent.close();
  });

  it('does not begin when the plugin is gone before its time has come', async () => {
    const collector = new Collector();
    const address = `127.0.0.1:${await collector.listen()}`;
    const life = new AbortController();
    const sending = sendUsageReport({ source, to: { ...to, address }, life: life.signal, logger: silentLogger() });
    life.abort();
    await sending;
    collector.close();
    expect(collector.reports).to.deep.equal([]);
  });
});
