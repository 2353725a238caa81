import { defineErrors } from '../errors.ts';

/** What can go wrong when somebody proves who he is: a client to gatewayd, or gatewayd to a database. */
export const authenticationErrors = defineErrors({
  AUTHENTICATION_FAILED: {
    message: 'password authentication failed for user "{user}"',
    mend: "Use the password that the server's usersFile or authQuery knows for this user; the log of gatewayd says more.",
    sqlstate: '28P01',
  },
  AUTHENTICATION_NO_USER: {
    message: 'no PostgreSQL user name specified in startup packet',
    mend: 'Connect with a user name.',
    sqlstate: '28000',
  },
  AUTHENTICATION_BAD_MESSAGE: {
    message: 'malformed authentication message: {reason}',
    mend: 'Check that the peer is PostgreSQL, or a client of it, and that nothing between changes bytes.',
    sqlstate: '08P01',
  },
  AUTHENTICATION_UNSUPPORTED: {
    message: 'authentication by {method} is asked for, which gatewayd cannot do',
    mend: "Let the database's pg_hba.conf ask gatewayd for scram-sha-256, md5 or password, or trust it.",
    sqlstate: '08004',
  },
  AUTHENTICATION_NO_PASSWORD: {
    message: 'the database asks for a password, and there is none',
    mend: 'Set startupParams.password of this database.',
    sqlstate: '08004',
  },
  AUTHENTICATION_SERVER_UNPROVEN: {
    message: 'the database did not prove that it knows the password: {reason}',
    mend: 'Check that the address is that of the database and of nobody who stands in between.',
    sqlstate: '08004',
  },
  AUTHENTICATION_USERS_FILE: {
    message: 'the users file {file} cannot be used: {reason}',
    mend: 'Write one line a user, "name" "secret", and let nobody but its owner and group read it (chmod 640).',
  },
  AUTHENTICATION_BAD_SECRET: {
    message: 'the secret of a user is no SCRAM verifier that can be used, though it begins like one',
    mend: 'Copy it as it stands in pg_authid.rolpassword: SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey, with a million iterations at most.',
  },
});
