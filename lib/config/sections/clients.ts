import { duration, positiveDuration } from './duration.ts';

/** One block of a group of `clients`: how connections to one database are made. */
export const clientSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'A database, and how gatewayd connects to it.',
  properties: {
    network: {
      type: 'string',
      description: 'Transport to the database. For `unix` the address is the path of a socket.',
      enum: ['tcp', 'udp', 'unix'],
      default: 'tcp',
    },
    address: {
      type: 'string',
      minLength: 1,
      description:
        'Address of your PostgreSQL, as host:port. `embedded` starts a PostgreSQL of our own with empty data; `embedded:DIR` keeps its data in DIR.',
      examples: ['localhost:5432', 'embedded', 'embedded:./data'],
      default: 'localhost:5432',
    },
    tcpKeepAlive: { type: 'boolean', description: 'Send TCP keep-alive probes to the database.', default: false },
    tcpKeepAlivePeriod: { ...positiveDuration, description: 'Time between keep-alive probes.', default: '30s' },
    receiveChunkSize: {
      type: 'integer',
      minimum: 1,
      maximum: 1_073_741_824,
      description:
        "GatewayD's size of one read from the database. Accepted and without effect: replies of any size are passed on as they come, and buffers are sized by the system.",
      default: 8192,
    },
    receiveDeadline: {
      ...duration,
      description:
        'How long a session may last in all, from its connection on; then it is ended with 08006. 0s is without limit.',
      default: '0s',
    },
    receiveTimeout: {
      ...duration,
      description:
        'How long the database may be silent while it owes an answer; then the session is ended with 08006. A query that takes long before its first row counts. 0s is without limit.',
      default: '0s',
    },
    sendDeadline: {
      ...duration,
      description:
        'How long the database may take in nothing of what is sent to it; then the session is ended with 08006. 0s is without limit.',
      default: '0s',
    },
    dialTimeout: {
      ...duration,
      description: 'How long making a connection may take; 0s is without limit.',
      default: '60s',
    },
    retries: {
      type: 'integer',
      minimum: 0,
      description: 'How often making a connection is tried again after a failure.',
      default: 3,
    },
    backoff: { ...duration, description: 'Time before the first new try.', default: '1s' },
    backoffMultiplier: {
      type: 'number',
      minimum: 0,
      description: 'Each time between tries is this many times the one before.',
      default: 2,
    },
    disableBackoffCaps: {
      type: 'boolean',
      description: 'Lift the caps on tries (10) and on the time between two of them (60 s).',
      default: false,
    },
    tls: {
      type: 'object',
      additionalProperties: false,
      description: 'How connections to the database are encrypted. One to a Unix socket never is.',
      properties: {
        mode: {
          type: 'string',
          description:
            'As sslmode of libpq. `disable`: not at all. `prefer`: where the database offers it. `require`: always, whoever answers. `verify-ca`: always, and its certificate must be of an authority in caFile. `verify-full`: and for the host of the address, too.',
          enum: ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'],
          default: 'disable',
        },
        negotiation: {
          type: 'string',
          description:
            '`postgres` asks for TLS first, as every version understands. `direct` begins with it, one round trip less, which PostgreSQL understands since 17; not with prefer.',
          enum: ['postgres', 'direct'],
          default: 'postgres',
        },
        caFile: {
          type: 'string',
          description:
            "Authorities of the database's certificate, in PEM. Empty for those that Node.js comes with. Files are read again when they change.",
          default: '',
        },
        certFile: {
          type: 'string',
          description: 'Certificate to show to the database, in PEM. Needs keyFile.',
          default: '',
        },
        keyFile: { type: 'string', description: 'Private key of that certificate, in PEM.', default: '' },
        serverName: {
          type: 'string',
          description: "Name that the database's certificate is for, where it is not the host of the address.",
          default: '',
        },
      },
      default: {},
    },
    startupParams: {
      type: 'object',
      additionalProperties: false,
      description:
        'Log in with these when a connection is made, and not as each client asks. A connection that a client is done with is then reset and used again.',
      properties: {
        user: { type: 'string', minLength: 1, description: 'Name of the database user.' },
        database: { type: 'string', description: "Name of the database; empty for the user's own.", default: '' },
        password: { type: 'string', description: 'Password of the user.', default: '' },
      },
      required: ['user'],
    },
  },
} as const;
