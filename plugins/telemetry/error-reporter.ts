import type { LoadedPlugin, LoadedPlugins } from '../../lib/index.ts';
import { codeTags, safeExceptions } from './exceptions.ts';
import { FloodGate } from './flood.ts';
import { frameRewriter } from './frames.ts';
import { pluginErrorsIntegration } from './plugin-errors-integration.ts';
import { sentryClient } from './sentry-client.ts';
import { defaultStackParser, Scope } from './sentry-sdk.ts';

/** What an error reporter is made from. */
export interface ErrorReporterOptions {
  readonly dsn: string;
  readonly environment: string;
  /** gatewayd's version. */
  readonly version: string;
  /** Whether the texts of errors are sent. */
  readonly messages: boolean;
  readonly plugins: Pick<LoadedPlugins, 'each'>;
  /** Ends every request at once. */
  readonly life: AbortSignal;
  /** Called with what kept an event from arriving. */
  readonly failed: (error: unknown) => void;
}

/** Sends errors to Sentry: those of plugins by itself, those of the core when it is told. */
export interface ErrorReporter {
  /** Sends an error that is no plugin's. */
  captureCore(error: unknown, fatal: boolean): void;
  /** Resolves when all has been sent, or after `milliseconds`, whichever comes first. */
  flush(milliseconds: number): Promise<void>;
}

/** Makes an error reporter, which taps every plugin's error hook at once. */
export function openErrorReporter(options: ErrorReporterOptions): ErrorReporter {
  const { plugins, messages, version, ...connection } = options;
  const gate = new FloodGate();
  const known: LoadedPlugin[] = [];
  plugins.each((plugin) => known.push(plugin));
  const exceptions = { parseStack: defaultStackParser, rewrite: frameRewriter(known), messages };
  const client = sentryClient({ ...connection, release: `gatewayd@${version}` });
  const coreScope = new Scope();
  client.addIntegration(pluginErrorsIntegration({ plugins, gate, exceptions }));
  return {
    captureCore(error, fatal) {
      const suppressed = gate.admit('');
      if (suppressed === null && !fatal) return;
      client.captureEvent(
        {
          level: fatal ? 'fatal' : 'error',
          tags: codeTags(error),
          exception: { values: safeExceptions(error, exceptions) },
          ...(suppressed !== null && suppressed > 0 && { extra: { suppressed } }),
        },
        {},
        coreScope,
      );
    },
    async flush(milliseconds) {
      // The sockets do not keep the process alive; while it is being flushed, this timer does.
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise((resolve) => {
        timer = setTimeout(resolve, milliseconds);
      });
      await Promise.race([client.flush(milliseconds), limit]);
      clearTimeout(timer);
    },
  };
}
