import { defineErrors } from '../errors.ts';

/** What a person who asks for something of telemetry's is told; at run none of it is an error. */
export const telemetryErrors = defineErrors({
  TELEMETRY_NO_HOME: {
    message: 'There is no folder to keep the choice in: this user has no home',
    mend: 'Set XDG_CONFIG_HOME (on Windows: APPDATA) to a folder; or choose by DO_NOT_TRACK=1 or in the configuration.',
  },
  TELEMETRY_LOG_NOT_READ: {
    message: 'The log of what was sent cannot be read: {file}: {reason}',
    mend: 'Make it a file that this user may read, or take it away: telemetry then begins a new one.',
  },
  TELEMETRY_CHOICE_NOT_SAVED: {
    message: 'The choice cannot be saved in {file}: {reason}',
    mend: 'Make the folder writable, or set XDG_CONFIG_HOME (on Windows: APPDATA) to another; or choose by DO_NOT_TRACK=1 or in the configuration.',
  },
});
