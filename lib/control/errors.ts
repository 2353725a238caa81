import { defineErrors } from '../errors.ts';

/** What can go wrong between a running gatewayd and whoever tells it something. */
export const controlErrors = defineErrors({
  CONTROL_STOPPING: {
    message: 'gatewayd is stopping, or has not started yet',
    mend: 'Start it, or wait until it says that it is ready.',
  },
  CONTROL_NOBODY: {
    message: 'no gatewayd runs with {config}, as far as {socket} tells',
    mend: 'Start one with `gatewayd run` and try again while it runs, or name the configuration of the one that runs with -c. Another user cannot reach it.',
  },
  CONTROL_HELD: {
    message:
      'the control socket {socket} belongs to a gatewayd that runs already; this one cannot be reloaded by command',
    mend: 'Stop the other one, or set pluginHost.controlSocket to a path of its own. SIGHUP reloads all the same.',
  },
  CONTROL_UNUSABLE: {
    message: 'there is no control socket {socket}: {reason}; gatewayd goes on, and cannot be reloaded by command',
    mend: 'Set pluginHost.controlSocket to a path in a folder that only you may write to. SIGHUP reloads all the same.',
  },
  CONTROL_DOUBTFUL: {
    message: 'what is at the control socket {socket} is not asked: {reason}',
    mend: 'See who made it, and remove it; or set pluginHost.controlSocket to a path in a folder that only you may write to.',
  },
  CONTROL_BROKEN: {
    message: 'gatewayd ended the connection on {socket} without an answer, or with none that can be read',
    mend: 'Look into its log, and try again.',
  },
  CONTROL_REFUSED: {
    message: '{reason}',
    mend: '{mend}',
  },
  CONTROL_BAD_REQUEST: {
    message: 'the request is not understood: {reason}',
    mend: 'Use the same version of gatewayd for the command and for what it is about.',
  },
});
