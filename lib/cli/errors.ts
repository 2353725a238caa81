import { defineErrors } from '../errors.ts';

/** What can go wrong in the launcher itself. */
export const cliErrors = defineErrors({
  CLI_USAGE: {
    message: '{reason}',
    mend: '`{command} --help` lists what there is.',
  },
  CLI_NO_HOOK: {
    message: 'There is no hook {hook}',
    mend: '{meant}docs/hooks.md lists them all.',
  },
  CLI_FILE_EXISTS: {
    message: 'There is a {file} already',
    mend: 'Use --force to write over it, or {flag} to name another file.',
  },
  CLI_FILE_NOT_READ: {
    message: '{file} cannot be read: {reason}',
    mend: 'Name a file that is there and that you may read.',
  },
  CLI_BUNDLE_REFUSED: {
    message: '{file}: {reason}',
    mend: 'Name a file that `gatewayd telemetry bundle` wrote, whole, with a gatewayd no newer than this one.',
  },
  CLI_NO_HALF: {
    message: 'Telemetry has no part called "{half}"',
    mend: 'The parts are usage-report and sentry; name none for both.',
  },
  CLI_FILE_NOT_WRITTEN: {
    message: '{file} cannot be written: {reason}',
    mend: 'Make its folder or room for it first, or use {flag} to name a file that you may write.',
  },
});
