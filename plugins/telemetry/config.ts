/** `config` of the telemetry plugin's row, as the schema in index.ts completes it. */
export interface TelemetryConfig {
  readonly usageReport: {
    readonly enabled: boolean;
    /** The collector, `host:port`. */
    readonly address: string;
    readonly tls: boolean;
    /** PEM file to trust in the place of the system's authorities; empty for the system's. */
    readonly caFile: string;
    /** Which plugins are named: all, those that ship with gatewayd or its documents, or none. */
    readonly plugins: 'all' | 'public' | 'none';
  };
  readonly sentry: {
    readonly enabled: boolean;
    /** Where errors go; empty for nowhere. */
    readonly dsn: string;
    readonly environment: string;
    /** Whether the texts of errors are sent too. */
    readonly messages: boolean;
  };
}
