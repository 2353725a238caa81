import { defineErrors } from '../../lib/errors.ts';

/** What keeps a report from leaving. Telemetry logs these at debug level and throws them at nobody. */
export const telemetryErrors = defineErrors({
  TELEMETRY_BAD_ADDRESS: {
    message: 'The usage report has no address to go to: "{address}" is not host:port',
    mend: 'Set usageReport.address in the row of the plugin "telemetry" to the collector\'s host:port.',
  },
  TELEMETRY_NO_ADDRESS: {
    message: 'The usage report was not sent: "{host}" has no IP address',
    mend: 'Check usageReport.address, and that DNS has the name: the hosts file is not read.',
  },
});
