import type { FromSchema } from './from-schema.ts';
import { apiSchema } from './sections/api.ts';
import { clientSchema } from './sections/clients.ts';
import { loggerSchema } from './sections/loggers.ts';
import { metricsSchema } from './sections/metrics.ts';
import { pluginHostSchema, pluginRowSchema } from './sections/plugins.ts';
import { poolSchema, proxySchema } from './sections/pools.ts';
import { serverSchema } from './sections/servers.ts';

/**
 * gatewayd.yaml, said once: the types below, the checks, the defaults and what editors show all come from this
 * JSON Schema (draft 7).
 */
export const configSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'gatewayd.yaml',
  description: 'Configuration of gatewayd.',
  type: 'object',
  additionalProperties: false,
  properties: {
    clients: {
      type: 'object',
      description: 'The databases, by group and block.',
      additionalProperties: {
        type: 'object',
        description: 'A group: the databases that one server stands for.',
        additionalProperties: clientSchema,
      },
      default: { default: { writes: {} } },
    },
    pools: {
      type: 'object',
      description: 'How many connections each database gets, by the same group and block.',
      additionalProperties: { type: 'object', additionalProperties: poolSchema },
      default: {},
    },
    proxies: {
      type: 'object',
      description: 'What ties the pools to the servers, by the same group and block.',
      additionalProperties: { type: 'object', additionalProperties: proxySchema },
      default: {},
    },
    servers: {
      type: 'object',
      description: 'What clients connect to, by group.',
      additionalProperties: serverSchema,
      default: { default: {} },
    },
    pluginHost: pluginHostSchema,
    plugins: {
      type: 'array',
      description: 'Settings of single plugins. A plugin in the folder is loaded with or without a row here.',
      items: pluginRowSchema,
      default: [],
    },
    loggers: {
      type: 'object',
      description: 'What is logged, and where to, by group.',
      additionalProperties: loggerSchema,
      default: { default: {} },
    },
    metrics: {
      type: 'object',
      description: 'Metrics for Prometheus, by group.',
      additionalProperties: metricsSchema,
      default: { default: {} },
    },
    api: apiSchema,
    raft: {
      type: 'object',
      description: "GatewayD's consensus between several gateways. Accepted and ignored: there is nothing to agree on.",
      additionalProperties: true,
    },
  },
} as const;

/**
 * The whole configuration, defaults filled in, frozen. Durations are text as Go writes it (`1m30s`); `milliseconds()`
 * turns them into numbers.
 */
export type GlobalConfig = FromSchema<typeof configSchema>;

/** One block of a group of `clients`: a database and how to connect to it. */
export type ClientConfig = FromSchema<typeof clientSchema>;
/** One block of a group of `pools`. */
export type PoolConfig = FromSchema<typeof poolSchema>;
/** One block of a group of `proxies`. */
export type ProxyConfig = FromSchema<typeof proxySchema>;
/** One group of `servers`. */
export type ServerConfig = FromSchema<typeof serverSchema>;
/** One group of `loggers`. */
export type LoggerConfig = FromSchema<typeof loggerSchema>;
/** One group of `metrics`. */
export type MetricsConfig = FromSchema<typeof metricsSchema>;
/** The section `api`. */
export type ApiConfig = FromSchema<typeof apiSchema>;
/** The section `pluginHost`. */
export type PluginHostConfig = FromSchema<typeof pluginHostSchema>;
/** One row of `plugins`. */
export type PluginRow = FromSchema<typeof pluginRowSchema>;
