import { expect } from 'chai';
import { defaultReportAddress, reportAddress } from '../../lib/telemetry/report-address.ts';
import plugin from '../../plugins/telemetry/index.ts';

describe('the address that the start-up summary names', () => {
  it('is the default of the telemetry plugin where the row has none', () => {
    const schema = plugin.configSchema as unknown as {
      properties: { usageReport: { properties: { address: { default: string } } } };
    };
    expect(defaultReportAddress).to.equal(schema.properties.usageReport.properties.address.default);
    expect(reportAddress(undefined)).to.equal(defaultReportAddress);
    expect(reportAddress({ config: { usageReport: { enabled: false } } })).to.equal(defaultReportAddress);
  });

  it("is the row's where it has one", () => {
    expect(reportAddress({ config: { usageReport: { address: '127.0.0.1:1' } } })).to.equal('127.0.0.1:1');
  });
});
