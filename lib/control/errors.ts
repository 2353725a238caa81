import { defineErrors } from '../errors.ts';

/** What can go wrong between a running gatewayd and whoever tells it something. */
export const controlErrors = defineErrors({
  CONTROL_STOPPING: {
    message: 'gatewayd is stopping, or has not started yet',
    mend: 'Start it, or wait until it says that it is ready.',
  },
});
