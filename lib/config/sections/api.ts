/** The section `api`. */
export const apiSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'The admin API: shows what is running, over HTTP and gRPC.',
  properties: {
    enabled: { type: 'boolean', description: 'Serve the admin API.', default: true },
    httpAddress: { type: 'string', description: 'Address of the HTTP side, as host:port.', default: 'localhost:18080' },
    grpcNetwork: {
      type: 'string',
      description: 'Transport of the gRPC side. For `unix` the address is the path of a socket.',
      enum: ['tcp', 'udp', 'unix'],
      default: 'tcp',
    },
    grpcAddress: { type: 'string', description: 'Address of the gRPC side, as host:port.', default: 'localhost:19090' },
  },
  default: {},
} as const;
