import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { readSentLog } from '../../lib/telemetry/read-sent-log.ts';
import { Collector } from '../support/collector.ts';
import { Folder } from '../support/launch.ts';
import { TelemetryProcess } from '../support/telemetry-process.ts';

const isNotice = ({ msg }: { msg: string }) => msg.includes('anonymous usage report');

describe('a start that reports', () => {
  let collector: Collector;
  let address: string;
  let home: Folder;
  let gatewayd: TelemetryProcess | undefined;

  const start = async (environment: NodeJS.ProcessEnv = {}): Promise<TelemetryProcess> =>
    (gatewayd = await new TelemetryProcess({
      telemetry: { usageReport: { address } },
      environment: { XDG_CONFIG_HOME: home.at('config'), XDG_STATE_HOME: home.at('state'), ...environment },
    }).ready());

  beforeEach(async () => {
    collector = new Collector();
    home = new Folder();
    address = `127.0.0.1:${await collector.listen()}`;
  });

  afterEach(async () => {
    await gatewayd?.[Symbol.asyncDispose]();
    collector.close();
    home[Symbol.dispose]();
  });

  it('says so before anything leaves, the first time only, and again once there is a field more', async () => {
    const reported = collector.next();
    const first = await start();
    await reported;
    const words = first.lines.map(({ msg }) => msg);
    const said = first.lines.findIndex(isNotice);
    expect(said).to.be.greaterThan(-1).and.lessThan(words.indexOf('connecting'));
    await first.stop();
    const saved = home.at('config/gatewayd/telemetry.json');
    expect(JSON.parse(readFileSync(saved, 'utf8'))).to.deep.equal({ toldSchema: 1 });
    const again = collector.next();
    const second = await start();
    await again;
    expect(second.lines.filter(isNotice)).to.deep.equal([]);
    await second.stop();
    home.write('config/gatewayd/telemetry.json', '{ "toldSchema": 0 }');
    const third = await start();
    await third.line(isNotice);
    await third.stop();
  });

  it('says so on standard error where the log is quieter than that', async () => {
    const quiet = new TelemetryProcess({
      telemetry: { usageReport: { address } },
      environment: { XDG_CONFIG_HOME: home.at('config'), GATEWAYD_LOGGERS_DEFAULT_LEVEL: 'error' },
    });
    gatewayd = quiet;
    await collector.next();
    await quiet.stop();
    expect(quiet.text.join('\n')).to.match(/^gatewayd: an anonymous usage report is sent to/);
  });

  it('puts on record what it sent and how that went, byte for byte', async () => {
    const reported = collector.next();
    const running = await start();
    const { bytes, message } = await reported;
    await running.line(({ msg }) => msg === 'the usage report is dealt with');
    await running.stop();
    const { entries } = await readSentLog(home.at('state/gatewayd/telemetry.log'));
    expect(entries).to.have.length(1);
    expect(entries[0]).to.include({ half: 'usageReport', to: address, bytes: bytes.toString('base64') });
    expect(entries[0]!.content).to.deep.equal({ dev_mode: false, ...message });
    expect(entries[0]!.outcome).to.be.oneOf(['delivered', 'unknown']);
  });

  it('prints what it would send, and sends nothing, where that is asked for', async () => {
    const running = await start({ GATEWAYD_TELEMETRY_DEBUG: '1' });
    await running.line(({ msg }) => msg === 'the usage report is dealt with');
    await running.stop();
    expect(running.text.join('\n')).to.contain(`would go to ${address}`).and.contain('"service": "gatewayd"');
    expect(running.lines.filter(({ msg }) => msg === 'connecting')).to.deep.equal([]);
    expect(collector.reports).to.deep.equal([]);
  });

  it('starts, reports and ends where neither choice nor log can be kept', async () => {
    home.write('config', 'no folder');
    home.write('state', 'no folder');
    const reported = collector.next();
    const running = await start();
    await reported;
    expect(await running.stop()).to.deep.equal({ code: 0, signal: null });
    const loud = running.lines.filter(({ level }) => ['warn', 'error', 'fatal'].includes(String(level)));
    expect(loud).to.deep.equal([]);
  });
});
