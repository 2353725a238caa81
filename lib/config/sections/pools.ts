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
        'How often it is looked whether the database answers, where its group has several. One that does not comes after the others until it does. 0s is never: one that cannot be reached is tried in its turn then.',
      default: '60s',
    },
  },
} as const;
