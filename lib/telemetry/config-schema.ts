import { defaultReportAddress } from './report-address.ts';

/**
 * JSON Schema of the telemetry plugin's `config`. It is here and not in the plugin because the configuration is read
 * by it before it is known whether the plugin is to be loaded: an environment variable that turns telemetry off must
 * find its key.
 */
export const telemetryConfigSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    usageReport: {
      type: 'object',
      additionalProperties: false,
      description: 'What gatewayd tells about itself, once, when it has started; docs/telemetry.md lists it.',
      properties: {
        enabled: { type: 'boolean', description: 'Send the usage report.', default: true },
        address: { type: 'string', description: 'The collector, as host:port.', default: defaultReportAddress },
        tls: { type: 'boolean', description: 'Connect to the collector by TLS.', default: false },
        caFile: {
          type: 'string',
          description: "PEM file of the authorities to trust, relative to the config file; the system's when empty.",
          default: '',
        },
        plugins: {
          type: 'string',
          enum: ['all', 'public', 'none'],
          description:
            'Which plugins the report names. `all`: those that do not say `private: true`. `public`: those whose checksum is known from the release. `none`: it lists no plugins.',
          default: 'all',
        },
      },
      default: {},
    },
    sentry: {
      type: 'object',
      additionalProperties: false,
      description: 'Where errors of plugins and of gatewayd are reported to.',
      properties: {
        enabled: { type: 'boolean', description: 'Send errors; it takes a DSN too.', default: true },
        dsn: {
          type: 'string',
          pattern: '^(https?://[^@/]+@[^/]+/.+)?$',
          description: 'DSN of the Sentry project; nothing is sent when empty.',
          default: '',
        },
        environment: { type: 'string', minLength: 1, description: 'Sentry\'s "environment".', default: 'production' },
        messages: { type: 'boolean', description: 'Send the texts of errors too.', default: false },
      },
      default: {},
    },
  },
} as const;
