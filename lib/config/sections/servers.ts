import { duration, positiveDuration } from './duration.ts';

const loadBalancerSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'Which block of the group a new client gets, when there are several.',
  properties: {
    strategy: {
      type: 'string',
      description: 'How the block is chosen, of those that can be reached: in turn, at random, or in turn by weights.',
      enum: ['ROUND_ROBIN', 'RANDOM', 'WEIGHTED_ROUND_ROBIN'],
      default: 'ROUND_ROBIN',
    },
    consistentHash: {
      type: 'object',
      additionalProperties: false,
      description:
        'Give the same client the same block each time, and few clients another one when a block comes or goes. Takes the place of the strategy, whose weights it keeps. Where it is left out, this is off.',
      properties: {
        useSourceIp: {
          type: 'boolean',
          description: "Know a client by its IP address only; otherwise by the connection's whole address.",
          default: false,
        },
      },
    },
    loadBalancingRules: {
      type: 'array',
      description: 'Weights for WEIGHTED_ROUND_ROBIN. A block that is not listed is used when no other can be reached.',
      items: {
        type: 'object',
        additionalProperties: false,
        properties: {
          condition: {
            type: 'string',
            description: 'When the rule holds. DEFAULT is always.',
            enum: ['DEFAULT'],
            default: 'DEFAULT',
          },
          distribution: {
            type: 'array',
            description: 'The share of each block.',
            minItems: 1,
            items: {
              type: 'object',
              additionalProperties: false,
              properties: {
                proxyName: { type: 'string', description: 'Name of a block of the same group in `proxies`.' },
                weight: { type: 'integer', minimum: 0, description: "The block's share, relative to the others." },
              },
              required: ['proxyName', 'weight'],
            },
          },
        },
        required: ['distribution'],
      },
      default: [],
    },
  },
  default: {},
} as const;

const authSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'Who may come in. Where `clients` has `startupParams`, gatewayd must ask for itself.',
  properties: {
    method: {
      type: 'string',
      description:
        '`relay` lets the database ask: each client logs in there as itself. The others are for backends that are logged in ahead, where gatewayd asks. `trust` asks nobody anything.',
      enum: ['relay', 'scram-sha-256', 'md5', 'password', 'trust'],
      default: 'relay',
    },
    usersFile: {
      type: 'string',
      description:
        'A file with a line for each user: "name" "secret". A secret is a SCRAM verifier or an MD5 hash as in pg_authid, or a password. It is read again when it has changed.',
      default: '',
    },
    authQuery: {
      type: 'string',
      description:
        'Instead of a file: a query for the secret of the user $1, run on a connection that is logged in. Its last column is the secret.',
      examples: ['SELECT rolpassword FROM pg_authid WHERE rolname = $1 AND rolcanlogin'],
      default: '',
    },
    allowInsecureTrust: {
      type: 'boolean',
      description: 'Let `trust` also be used where others than this machine can connect.',
      default: false,
    },
  },
  default: {},
} as const;

/** One group of `servers`. */
export const serverSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'What clients connect to. It serves the databases of the group of the same name in `clients`.',
  properties: {
    network: {
      type: 'string',
      description: 'Transport to listen on. For `unix` the address is the path of a socket.',
      enum: ['tcp', 'udp', 'unix'],
      default: 'tcp',
    },
    address: {
      type: 'string',
      minLength: 1,
      description:
        'Address to listen on, as host:port. 127.0.0.1 is this machine only, 0.0.0.0 every network. Port 0 takes a free one.',
      examples: ['127.0.0.1:15432', '0.0.0.0:15432'],
      default: '0.0.0.0:15432',
    },
    unixSocketPermissions: {
      type: 'string',
      pattern: '^0?[0-7]{3}$',
      patternErrorMessage:
        "must be file permissions in octal digits and in quotes, such as '0770': without them, YAML takes it for another number",
      description:
        "Permissions of the Unix socket, in octal: whoever may write to it can connect. Where it is left out, '0777' as with PostgreSQL, and '0700' with `auth.method: trust`, which asks nobody anything.",
      examples: ['0770'],
    },
    enableTicker: { type: 'boolean', description: 'Fire the hook `tick` at intervals.', default: false },
    tickInterval: { ...positiveDuration, description: 'Time between two ticks.', default: '5s' },
    enableTLS: { type: 'boolean', description: 'Offer TLS to clients. Needs certFile and keyFile.', default: false },
    certFile: {
      type: 'string',
      description:
        "The server's TLS certificate, in PEM, with those between it and the authority. Read again when it changes.",
      default: '',
    },
    keyFile: { type: 'string', description: 'Private key of the certificate, in PEM.', default: '' },
    requireTLS: {
      type: 'boolean',
      description: 'Turn clients away that do not use TLS. Needs enableTLS. A Unix socket is never encrypted.',
      default: false,
    },
    clientCaFile: {
      type: 'string',
      description:
        'Certificate authorities of the clients, in PEM. With it, clients are asked for a certificate when they use TLS.',
      default: '',
    },
    clientCertificate: {
      type: 'string',
      description:
        'What is asked of a client where there is a clientCaFile. `optional`: what it shows must be valid. `verify-ca`: it must show one. `verify-full`: a name in it (common name, DNS name or mail address) must also be the user it logs in as.',
      enum: ['optional', 'verify-ca', 'verify-full'],
      default: 'verify-full',
    },
    clientNames: {
      type: 'array',
      description:
        'Users that names in certificates stand for. A name that is not listed stands for the user of that name.',
      items: {
        type: 'object',
        additionalProperties: false,
        properties: {
          name: { type: 'string', minLength: 1, description: 'A name in a certificate.' },
          user: { type: 'string', minLength: 1, description: 'A user who may come in with it.' },
        },
        required: ['name', 'user'],
      },
      default: [],
    },
    handshakeTimeout: { ...positiveDuration, description: 'How long a TLS handshake may take.', default: '5s' },
    loginTimeout: {
      ...duration,
      description: 'How long a client may take from connecting to being logged in; 0s is without limit.',
      default: '60s',
    },
    maxUnauthenticated: {
      type: 'integer',
      minimum: 0,
      description:
        'How many connections that are not logged in there may be at once; those that wait for a database connection do not count. One more is told 53300 and ended, or the oldest of an address that has a quarter of them or more. 0 is without limit.',
      default: 1000,
    },
    drainTimeout: {
      ...duration,
      description:
        'How long sessions may go on when gatewayd is asked to stop. What is left then is told so and ended.',
      default: '10s',
    },
    maxMessageSize: {
      type: 'integer',
      minimum: 1024,
      maximum: 1_073_741_824,
      description:
        'Largest single message, in bytes, that plugins are shown as a whole. A larger one goes by in pieces where all of them take `largeMessages`, and ends the session otherwise. Where no plugin looks at the traffic, there is no limit.',
      default: 67_108_864,
    },
    auth: authSchema,
    loadBalancer: loadBalancerSchema,
  },
} as const;
