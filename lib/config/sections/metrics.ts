import { positiveDuration } from './duration.ts';

/** One group of `metrics`. */
export const metricsSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'Where Prometheus finds the metrics.',
  properties: {
    enabled: { type: 'boolean', description: 'Serve metrics.', default: true },
    address: { type: 'string', description: 'Address to serve them on, as host:port.', default: 'localhost:9090' },
    path: {
      type: 'string',
      pattern: '^/',
      patternErrorMessage: 'must start with /',
      description: 'Path to serve them on.',
      default: '/metrics',
    },
    readHeaderTimeout: {
      ...positiveDuration,
      description: 'How long a scraper may take to send its request headers.',
      default: '10s',
    },
    timeout: { ...positiveDuration, description: 'How long answering one scrape may take.', default: '10s' },
    certFile: { type: 'string', description: 'TLS certificate in PEM. With keyFile, metrics use HTTPS.', default: '' },
    keyFile: { type: 'string', description: 'Private key of the certificate, in PEM.', default: '' },
  },
} as const;
