import { expect } from 'chai';
import * as fc from 'fast-check';
import { choiceOnceLoaded, chosenConfig, telemetryChoice } from '../../lib/telemetry/choice.ts';

const dsn = 'https://key@sentry.invalid/1';
const withDsn = { config: { sentry: { dsn } } };

describe('the telemetry choice', () => {
  it('has both halves on when nobody says anything and there is a DSN', () => {
    const choice = telemetryChoice({ flags: {}, environment: {}, row: withDsn });
    expect(choice.usageReport).to.deep.equal({ on: true, why: 'on by default' });
    expect(choice.sentry).to.deep.equal({ on: true, why: 'on by default' });
  });

  it('sends the usage report without a row in the config', () => {
    expect(telemetryChoice({ flags: {}, environment: {}, row: undefined }).usageReport.on).to.equal(true);
  });

  it('keeps errors in the log while there is no DSN, an explicit flag or not', () => {
    for (const flags of [{}, { sentry: true }]) {
      const { sentry } = telemetryChoice({ flags, environment: {}, row: { config: {} } });
      expect(sentry.on).to.equal(false);
      expect(sentry.why).to.include('no DSN');
    }
  });

  it('comes to nothing when the plugin could not be loaded, and keeps the reason of what is off anyway', () => {
    const choice = telemetryChoice({ flags: {}, environment: {}, row: undefined });
    expect(choiceOnceLoaded(choice, { state: 'loaded' })).to.equal(choice);
    expect(choiceOnceLoaded(choice, undefined)).to.equal(choice);
    const failed = choiceOnceLoaded(choice, { state: 'failed', error: { code: 'PLUGIN_BAD_CONFIG' } });
    expect(failed.usageReport.on).to.equal(false);
    expect(failed.usageReport.why).to.include('PLUGIN_BAD_CONFIG');
    expect(failed.sentry).to.equal(choice.sentry);
  });

  it('is turned off by each flag, for its half only', () => {
    const choice = telemetryChoice({ flags: { usageReport: false }, environment: {}, row: withDsn });
    expect(choice.usageReport).to.deep.equal({ on: false, why: 'turned off by --usage-report=false' });
    expect(choice.sentry.on).to.equal(true);
    const other = telemetryChoice({ flags: { sentry: false }, environment: {}, row: withDsn });
    expect(other.sentry).to.deep.equal({ on: false, why: 'turned off by --sentry=false' });
    expect(other.usageReport.on).to.equal(true);
  });

  for (const value of ['1', 'true', 'yes', 'no', ' ']) {
    it(`is turned off by DO_NOT_TRACK=${JSON.stringify(value)}`, () => {
      const choice = telemetryChoice({ flags: {}, environment: { DO_NOT_TRACK: value }, row: withDsn });
      expect(choice.usageReport).to.deep.equal({ on: false, why: 'turned off by DO_NOT_TRACK' });
      expect(choice.sentry).to.deep.equal({ on: false, why: 'turned off by DO_NOT_TRACK' });
    });
  }

  for (const value of ['', '0']) {
    it(`is not turned off by DO_NOT_TRACK=${JSON.stringify(value)}`, () => {
      const choice = telemetryChoice({ flags: {}, environment: { DO_NOT_TRACK: value }, row: withDsn });
      expect(choice.usageReport.on).to.equal(true);
      expect(choice.sentry.on).to.equal(true);
    });
  }

  it('is turned off by a row that is not enabled', () => {
    const choice = telemetryChoice({ flags: {}, environment: {}, row: { ...withDsn, enabled: false } });
    expect(choice.usageReport.on || choice.sentry.on).to.equal(false);
    expect(choice.usageReport.why).to.include('config');
  });

  it('is turned off by the half of the config, for that half only', () => {
    const row = { config: { usageReport: { enabled: false }, sentry: { dsn } } };
    const choice = telemetryChoice({ flags: {}, environment: {}, row });
    expect(choice.usageReport.why).to.include('usageReport.enabled');
    expect(choice.usageReport.on).to.equal(false);
    expect(choice.sentry.on).to.equal(true);
  });

  it('lets any no win, and only an explicit flag override one', () => {
    const says = fc.record({
      flag: fc.constantFrom(undefined, true, false),
      doNotTrack: fc.constantFrom(undefined, '', '0', '1'),
      enabled: fc.constantFrom(undefined, true, false),
      usageReport: fc.constantFrom(undefined, true, false),
    });
    fc.assert(
      fc.property(says, ({ flag, doNotTrack, enabled, usageReport }) => {
        const { on } = telemetryChoice({
          flags: { usageReport: flag },
          environment: { DO_NOT_TRACK: doNotTrack },
          row: { enabled, config: { usageReport: { enabled: usageReport } } },
        }).usageReport;
        const refused = doNotTrack === '1' || enabled === false || usageReport === false;
        expect(on).to.equal(flag ?? !refused);
      }),
    );
  });

  it('decides on any row at all without throwing', () => {
    fc.assert(
      fc.property(fc.anything(), (config) => {
        const choice = telemetryChoice({ flags: {}, environment: {}, row: { config } });
        expect(choice.usageReport.on).to.be.a('boolean');
      }),
    );
  });
});

describe('the config of what was chosen', () => {
  it('turns off what was not chosen and keeps everything else', () => {
    const row = { config: { usageReport: { address: 'here:1' }, sentry: { dsn }, odd: 1 } };
    const choice = telemetryChoice({ flags: { usageReport: false }, environment: {}, row });
    expect(chosenConfig(row, choice, '/etc/gatewayd')).to.deep.equal({
      usageReport: { address: 'here:1', enabled: false },
      sentry: { dsn, enabled: true },
      odd: 1,
    });
  });

  it('turns on what a flag turned on against the config', () => {
    const row = { config: { usageReport: { enabled: false } } };
    const choice = telemetryChoice({ flags: { usageReport: true }, environment: {}, row });
    expect(chosenConfig(row, choice, '/etc/gatewayd')['usageReport']).to.deep.equal({ enabled: true });
  });

  it('takes the file of authorities from the folder of the config file', () => {
    const caFileOf = (caFile: string): unknown => {
      const row = { config: { usageReport: { caFile } } };
      const choice = telemetryChoice({ flags: {}, environment: {}, row });
      return chosenConfig(row, choice, '/etc/gatewayd')['usageReport'];
    };
    expect(caFileOf('ca.pem')).to.deep.equal({ caFile: '/etc/gatewayd/ca.pem', enabled: true });
    expect(caFileOf('/elsewhere/ca.pem')).to.deep.equal({ caFile: '/elsewhere/ca.pem', enabled: true });
    expect(caFileOf('')).to.deep.equal({ caFile: '', enabled: true });
  });

  it('leaves a section that is no section for the schema to refuse', () => {
    const row = { config: { usageReport: 'yes' } };
    const choice = telemetryChoice({ flags: {}, environment: {}, row });
    expect(chosenConfig(row, choice, '/etc/gatewayd')['usageReport']).to.equal('yes');
  });

  it('leaves what is neither yes nor no for the schema to refuse', () => {
    const row = { config: { usageReport: { enabled: 'maybe' } } };
    const choice = telemetryChoice({ flags: {}, environment: {}, row });
    expect(chosenConfig(row, choice, '/etc/gatewayd')['usageReport']).to.deep.equal({ enabled: 'maybe' });
  });
});
