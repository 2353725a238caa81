import { defineErrors } from '../errors.ts';

/** What can go wrong with the embedded PostgreSQL. */
export const embeddedErrors = defineErrors({
  EMBEDDED_UNAVAILABLE: {
    message: 'There is no embedded PostgreSQL to start: {reason}.',
    mend: "Install gatewayd with its optional dependencies (without --omit=optional), or set clients.default.writes.address to your own PostgreSQL server's address.",
  },
  EMBEDDED_START_FAILED: {
    message: 'The embedded PostgreSQL did not start; its last words: {output}',
    mend: "The last words above are PostgreSQL's own and say why; the debug level of the log has all of them. To use another server, set clients.default.writes.address to its address.",
  },
  EMBEDDED_DIRECTORY_IN_USE: {
    message: 'The folder {directory} is in use by a running PostgreSQL server (process {pid}).',
    mend: 'Stop that server (another gatewayd?), or name another folder after `embedded:`.',
  },
  EMBEDDED_DIRECTORY_VERSION: {
    message:
      'The folder {directory} holds the data of PostgreSQL {found}; the embedded one is {expected} and cannot read it.',
    mend: 'Move the data with pg_dump from a PostgreSQL {found}, run that version yourself and set clients.default.writes.address to it, or name another folder after `embedded:`.',
  },
  EMBEDDED_DIRECTORY_FOREIGN: {
    message: 'The folder {directory} is not empty, and what it holds is not the data of a PostgreSQL server.',
    mend: 'Name a folder after `embedded:` that is empty or does not exist yet.',
  },
  EMBEDDED_DIRECTORY_UNREACHABLE: {
    message: 'The folder {directory} cannot be used by user {uid}, as whom the embedded PostgreSQL has to run.',
    mend: 'Root cannot run PostgreSQL: start gatewayd as an ordinary user, or name a folder after `embedded:` that such a user owns and can reach (not in the home folder of root).',
  },
});
