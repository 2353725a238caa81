/** Names of the plugins that ship with gatewayd. No other plugin can have one of them. */
export const builtInPlugins: readonly string[] = ['telemetry'];
