import type { GlobalConfig } from '../config/schema.ts';

/** The part of the configuration that the gateway is built from. */
export type NetworkConfig = Pick<GlobalConfig, 'clients' | 'pools' | 'proxies' | 'servers'>;
