import { allowListed } from './allow-list.ts';
import { defaultStackParser, NodeClient } from './sentry-sdk.ts';
import { unheldTransport } from './sentry-transport.ts';

/** What a client of ours is made from. */
export interface SentryClientOptions {
  readonly dsn: string;
  readonly life: AbortSignal;
  readonly failed: (error: unknown) => void;
}

const collectNothing = {
  userInfo: false,
  cookies: false,
  httpHeaders: { request: false, response: false },
  httpBodies: [],
  urlQueryParams: false,
  graphQL: { document: false, variables: false },
  genAI: { inputs: false, outputs: false },
  mcp: { inputs: false, outputs: false },
  databaseQueryData: false,
  queues: false,
  stackFrameVariables: false,
  frameContextLines: 0,
};

/** The client's constructor adds a listener to the process; nobody but us may be told by it that the process ends. */
function withoutListeners<T>(make: () => T): T {
  const before = process.listeners('beforeExit');
  const made = make();
  for (const listener of process.listeners('beforeExit')) {
    if (!before.includes(listener)) process.off('beforeExit', listener);
  }
  return made;
}

/**
 * A client that stands alone: it is nobody's current client, is never `init`ed, patches nothing and collects nothing
 * by itself. What it sends is what it is handed.
 */
export function sentryClient({ dsn, life, failed }: SentryClientOptions): NodeClient {
  return withoutListeners(
    () =>
      new NodeClient({
        dsn,
        transport: unheldTransport(life, failed),
        stackParser: defaultStackParser,
        integrations: [],
        includeServerName: false,
        enableRuntimeChannelInjection: false,
        enableOpenTelemetrySetup: false,
        traceLifecycle: 'static',
        sendClientReports: false,
        maxBreadcrumbs: 0,
        maxValueLength: 512,
        attachStacktrace: false,
        normalizeDepth: 10,
        dataCollection: collectNothing,
        beforeSend: allowListed,
      }),
  );
}
