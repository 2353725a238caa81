import { duration } from './duration.ts';

/** One block of a group of `pools`. */
export const poolSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'Connections to the database of the same group and block in `clients`.',
  properties: {
    size: {
      type: 'integer',
      minimum: 1,
      maximum: 1_000_000,
      description: 'How many connections to the database there are at most.',
      default: 10,
    },
    minSize: {
      type: 'integer',
      minimum: 0,
      maximum: 1_000_000,
      description:
        'How many connections are kept ready. Like the other keys of backends that serve one client after the other, it matters where `clients` has `startupParams`.',
      default: 1,
    },
    acquireTimeout: {
      ...duration,
      description:
        'How long a client waits for a free connection before it is told that there are too many; 0s is without limit.',
      default: '30s',
    },
    queueSize: {
      type: 'integer',
      minimum: 0,
      description:
        'How many clients may wait for a connection at once. One more is told at once that there are too many.',
      default: 1000,
    },
    maxAge: {
      ...duration,
      description: 'A logged-in connection older than this is replaced when no client has it; 0s is without limit.',
      default: '1h',
    },
    maxIdle: {
      ...duration,
      description:
        'A logged-in connection that no client has had for this long is closed, down to minSize; 0s is without limit.',
      default: '10m',
    },
    resetQuery: {
      type: 'string',
      description:
        'What makes a logged-in connection as new when a client is done with it. Where it is empty, what one client left is there for the next.',
      default: 'DISCARD ALL',
    },
    healthCheckQuery: {
      type: 'string',
      description:
        "What an idle logged-in connection is checked with at the proxy's healthCheckPeriod. Empty is the empty query, which asks least of the database.",
      examples: ['', 'SELECT 1'],
      default: '',
    },
  },
} as const;

/** One block of a group of `proxies`. */
export const proxySchema = {
  type: 'object',
  additionalProperties: false,
  description: 'What ties a pool to a server: the group of the same name in `servers`.',
  properties: {
    healthCheckPeriod: {
      ...duration,
      description:
        'How often it is looked whether the database answers, where its group has several, and whether idle connections do that are logged in ahead. A database that does not answer comes after the others until it does. 0s is never: one that cannot be reached is tried in its turn then.',
      default: '60s',
    },
  },
} as const;
