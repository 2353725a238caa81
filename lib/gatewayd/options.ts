import type { LoadedConfig } from '../config/load.ts';
import type { Logger } from '../logger.ts';

/** What a run of gatewayd is made from. */
export interface GatewayDOptions {
  readonly loaded: LoadedConfig;
  /** Reads the configuration again, for a reload; without it, that of the start stays. */
  readonly reread?: () => Promise<LoadedConfig>;
  /** `run --dev`: plugins are taken as they are, without a look at plugins.lock. */
  readonly devMode: boolean;
  /** Undefined where the flag was not given: only an explicit flag overrides another no. */
  readonly flags: { readonly usageReport?: boolean | undefined; readonly sentry?: boolean | undefined };
  readonly environment: NodeJS.ProcessEnv;
  readonly logger: Logger;
}
