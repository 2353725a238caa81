import { defineErrors } from '../errors.ts';

/** What can go wrong between a client and its database, and when the servers start. */
export const networkErrors = defineErrors({
  NETWORK_BAD_ADDRESS: {
    message: "{key} is '{address}', which is no address",
    mend: 'Write host:port, with an IPv6 address in brackets ([::1]:5432), or set network: unix and write the path of a socket.',
  },
  NETWORK_UDP: {
    message: '{key} is udp, and PostgreSQL does not speak over UDP',
    mend: 'Set {key} to tcp or unix.',
  },
  NETWORK_INCOMPLETE: {
    message: 'server {server} cannot be made: the configuration has no {key}',
    mend: 'Add {key}, or let checkConfig() fill the defaults in.',
  },
  NETWORK_ADDRESS_IN_USE: {
    message: 'server {server} cannot listen on {address}: another program does',
    mend: 'Stop the other program (`ss -ltnp` names it), or set servers.{server}.address to another port.',
  },
  NETWORK_CANNOT_LISTEN: {
    message: 'server {server} cannot listen on {address}: {reason}',
    mend: 'Set servers.{server}.address to an address of this machine and a port above 1023, or a path you may write to.',
  },
  NETWORK_TLS_FILES: {
    message: 'server {server} has enableTLS, but its certificate or key cannot be used: {reason}',
    mend: 'Give servers.{server}.certFile and keyFile a PEM certificate and its private key, and clientCaFile certificates, all readable by gatewayd.',
  },
  NETWORK_BACKEND_TLS_FILES: {
    message: 'the TLS files of clients.{database}.tls cannot be used: {reason}',
    mend: 'Give clients.{database}.tls PEM files that gatewayd can read: certificates in caFile and certFile, and the private key of the latter in keyFile.',
  },
  NETWORK_TLS_HANDSHAKE: {
    message: 'the TLS handshake failed: {reason}',
    mend: 'Look into what the client says; it needs TLS 1.2 or later, and ALPN "postgresql" where it negotiates TLS directly.',
    sqlstate: '08P01',
  },
  NETWORK_TLS_REQUIRED: {
    message: 'this server takes encrypted connections only',
    mend: 'Connect with sslmode=require or better, or set servers.{server}.requireTLS to false.',
    sqlstate: '28000',
  },
  NETWORK_TLS_NOT_OFFERED: {
    message: 'the client began with TLS, which this server does not have',
    mend: 'Set servers.{server}.enableTLS, or connect without sslnegotiation=direct.',
    sqlstate: '08P01',
  },
  NETWORK_CLIENT_CERTIFICATE_MISSING: {
    message: 'the connection needs a client certificate',
    mend: "Connect with a certificate (libpq: sslcert and sslkey) of an authority in the server's clientCaFile.",
    sqlstate: '28000',
  },
  NETWORK_CLIENT_CERTIFICATE_REFUSED: {
    message: "the client's certificate is not accepted: {reason}",
    mend: "Connect with a certificate of an authority in the server's clientCaFile.",
    sqlstate: '28000',
  },
  NETWORK_CLIENT_CERTIFICATE_USER: {
    message: "the client's certificate is for '{name}', who may not log in as '{user}'",
    mend: "Log in as the user whom the certificate names, or add a row to the server's clientNames.",
    sqlstate: '28000',
  },
  NETWORK_POOL_QUEUE_FULL: {
    message:
      'too many clients: all {size} connections of pool {pool} are taken and {waiting} clients wait already; raise pools.{pool}.size or queueSize',
    mend: 'Raise pools.{pool}.size as far as the database has connections to give, or pools.{pool}.queueSize.',
    sqlstate: '53300',
  },
  NETWORK_POOL_TIMEOUT: {
    message:
      'too many clients: none of the {size} connections of pool {pool} became free within {milliseconds} ms; raise pools.{pool}.size or acquireTimeout',
    mend: 'Raise pools.{pool}.size as far as the database has connections to give, or pools.{pool}.acquireTimeout.',
    sqlstate: '53300',
  },
  NETWORK_DATABASE_UNREACHABLE: {
    message: 'the database {database} cannot be reached: {reason}',
    mend: 'Start the database, or mend clients.{database}.address; clients get in again by themselves.',
    sqlstate: '08006',
  },
  NETWORK_DATABASE_CLOSED: {
    message: 'the database closed the connection unexpectedly',
    mend: "Look into the database's log; connect again.",
    sqlstate: '08006',
  },
  NETWORK_DATABASE_REFUSED: {
    message: 'the database {database} refused the login of gatewayd with {sqlstate}: {reason}',
    mend: 'Mend clients.{database}.startupParams, or what the database says is wrong.',
    sqlstate: '08004',
  },
  NETWORK_DATABASE_LOGIN: {
    message: 'gatewayd cannot log in at the database {database}',
    mend: "Look into gatewayd's log for what the database said, and mend clients.{database}.startupParams or the database's pg_hba.conf.",
    sqlstate: '08004',
  },
  NETWORK_DATABASE_NOT_READY: {
    message: 'the database {database} is starting or stopping',
    mend: 'Wait; clients get in again by themselves.',
    sqlstate: '57P03',
  },
  NETWORK_DATABASE_FULL: {
    message: 'the database {database} has no connections left to give',
    mend: "Lower pools.{database}.size, or raise the database's max_connections.",
    sqlstate: '53300',
  },
  NETWORK_DATABASE_SAID: {
    message: 'the database ended the connection with {sqlstate}: {message}',
    mend: "Look into the database's log; connect again.",
    sqlstate: '08006',
  },
  NETWORK_DATABASE_SILENT: {
    message: 'the database did not answer within {milliseconds} ms',
    mend: 'Look whether the database and the network to it are well.',
    sqlstate: '08006',
  },
  NETWORK_NO_DATABASE: {
    message: 'database "{database}" does not exist',
    mend: 'Connect to a database that one of clients.{server} has in startupParams, or add a block for this one.',
    sqlstate: '3D000',
  },
  NETWORK_SETTING_REFUSED: {
    message: '{reason}',
    mend: 'Leave the parameter {parameter} out of what the client asks for when it connects, or set it otherwise.',
    sqlstate: '22023',
  },
  NETWORK_REPLICATION: {
    message: 'replication connections are not served from a pool',
    mend: 'Connect to a server whose auth.method is relay, or to the database itself.',
    sqlstate: '0A000',
  },
  NETWORK_NOT_RESET: {
    message: 'the database answered {sqlstate} to the reset query of pool {pool}: {reason}',
    mend: 'Mend pools.{pool}.resetQuery; it must leave no transaction open.',
  },
  NETWORK_CHECK_FAILED: {
    message: 'the database answered {sqlstate} to the health check of pool {pool}: {reason}',
    mend: 'Mend pools.{pool}.healthCheckQuery, or leave it out.',
  },
  NETWORK_AUTH_QUERY: {
    message: 'server {server} cannot look its users up',
    mend: "Look into gatewayd's log for what the database said. Try the query of servers.{server}.auth.authQuery as the user of startupParams; it may need a function that is SECURITY DEFINER.",
    sqlstate: '08004',
  },
  NETWORK_LOGIN_TIMEOUT: {
    message: 'the client was not logged in within {milliseconds} ms; it was {state}',
    mend: 'Raise servers.{server}.loginTimeout where logging in may take longer.',
    sqlstate: '57014',
  },
  NETWORK_CONNECT_TIMEOUT: {
    message: 'there was no database connection within {milliseconds} ms',
    mend: 'Look whether the database of clients.{server} answers; raise servers.{server}.loginTimeout where that may take longer.',
    sqlstate: '08006',
  },
  NETWORK_RECEIVE_TIMEOUT: {
    message: 'the database {database} owed an answer and sent nothing for {milliseconds} ms',
    mend: 'Raise clients.{database}.receiveTimeout where queries may take longer before their first row.',
    sqlstate: '08006',
  },
  NETWORK_RECEIVE_DEADLINE: {
    message: 'the session lasted for {milliseconds} ms, which is all that a connection to {database} may',
    mend: 'Connect again. Raise clients.{database}.receiveDeadline where sessions may last longer.',
    sqlstate: '08006',
  },
  NETWORK_SEND_DEADLINE: {
    message: 'the database {database} took nothing of what was sent to it for {milliseconds} ms',
    mend: 'Look what the database is at; raise clients.{database}.sendDeadline where that is as it should be.',
    sqlstate: '08006',
  },
  NETWORK_CHANNEL_BINDING: {
    message:
      'the login is bound to a TLS connection that ends at gatewayd, so the database would refuse it: connect with channel_binding=disable, or have gatewayd show the certificate of the database, authenticate clients itself (auth in servers), or connect to the database without TLS',
    mend: 'Choose one of these ways; docs/tls.md compares them.',
    sqlstate: '28000',
  },
  NETWORK_TOO_MANY_UNAUTHENTICATED: {
    message: 'too many connections that are not logged in: server {server} has {limit}',
    mend: 'Raise servers.{server}.maxUnauthenticated where so many clients connect at once; look for what connects and does not log in.',
    sqlstate: '53300',
  },
  NETWORK_ROUTE_UNKNOWN: {
    message: "a plugin routed the session to '{route}', which is no block of clients.{server}",
    mend: "Let the plugin return one of the candidates' names; the address may be another one.",
    sqlstate: '08004',
  },
  NETWORK_PROTOCOL_VIOLATION: {
    message: 'protocol violation: {reason}',
    mend: 'Connect with a PostgreSQL client.',
    sqlstate: '08P01',
  },
  NETWORK_STOPPING: {
    message: 'gatewayd is stopping',
    mend: 'Connect again when it has started.',
    sqlstate: '57P03',
  },
  NETWORK_STOPPED: {
    message: 'terminating connection because gatewayd is stopping',
    mend: 'Connect again when it has started.',
    sqlstate: '57P01',
  },
  NETWORK_PLUGINS_RELOADED: {
    message: 'terminating connection because the plugins were reloaded and the session has not been idle since',
    mend: 'Connect again. Raise pluginHost.reloadDrainTimeout where transactions take longer.',
    sqlstate: '57P01',
  },
  NETWORK_INTERNAL: {
    message: 'an internal error of gatewayd ended the session',
    mend: "Look into gatewayd's log, and report it.",
    sqlstate: 'XX000',
  },
});
