import type { Generations } from '../hooks/generation.ts';
import type { Logger } from '../logger.ts';
import type { CancelRegistry } from './cancel-registry.ts';
import type { Database } from './database.ts';
import type { Endpoint } from './endpoint.ts';
import type { FrontendTls } from './frontend-tls.ts';
import type { Gatekeeper } from './gatekeeper.ts';
import type { LoadBalancer } from './load-balancer.ts';

/** What all sessions of one server share. */
export interface SessionContext {
  /** The group in `servers`. */
  readonly server: string;
  /** Where that listens. */
  readonly endpoint: Endpoint;
  readonly generations: Generations;
  readonly logger: Logger;
  readonly databases: LoadBalancer<Database>;
  readonly cancels: CancelRegistry;
  /** Null where the databases let the clients in. */
  readonly gatekeeper: Gatekeeper | null;
  readonly tls: FrontendTls | null;
  /** Milliseconds from connecting to being logged in; 0 is without limit. */
  readonly loginTimeout: number;
  /** Bytes of the largest message a plugin is shown. */
  readonly maxMessageSize: number;
}
