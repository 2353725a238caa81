import { defineErrors } from '../../lib/errors.ts';

/** What keeps a report from leaving. Telemetry logs these at debug level and throws them at nobody. */
export const telemetryErrors = defineErrors({
  TELEMETRY_BAD_ADDRESS: {
    message: 'The usage report has no address to go to: "{address}" is not host:port',
    mend: 'Set usageReport.address in the row of the plugin "telemetry" to the collector\'s host:port.',
  },
  TELEMETRY_REFUSED: {
    message: 'The collector refused the usage report: {said}',
    mend: 'Check that usageReport.address and usageReport.tls are those of a usage report collector.',
  },
  TELEMETRY_NO_ANSWER: {
    message: 'The collector closed the connection without an answer',
    mend: 'Check that usageReport.address and usageReport.tls are those of a usage report collector.',
  },
  TELEMETRY_ENDLESS_ANSWER: {
    message: 'The collector answered with more than the empty message that the answer to a usage report is',
    mend: 'Check that usageReport.address and usageReport.tls are those of a usage report collector.',
  },
  TELEMETRY_NO_ADDRESS: {
    message: 'The usage report was not sent: "{host}" has no IP address',
    mend: 'Check usageReport.address, and that DNS has the name: the hosts file is not read.',
  },
});
