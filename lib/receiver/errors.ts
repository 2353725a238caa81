import { defineErrors } from '../errors.ts';

/** The receiver's own errors; what is wrong with a report its sender is told, as INVALID_ARGUMENT. */
export const receiverErrors = defineErrors({
  RECEIVER_CANNOT_LISTEN: {
    message: 'The receiver cannot listen on "{address}"',
    mend: 'Give it an address of this machine as host:port, with a port that nothing else listens on.',
  },
  RECEIVER_REPORT_REFUSED: {
    message: 'The report is refused: {field} {reason}',
    mend: 'Send a usagereport.v1.UsageReportRequest as proto/usagereport/v1/usagereport.proto describes it.',
  },
});
