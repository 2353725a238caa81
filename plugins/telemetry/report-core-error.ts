import { ErrorReporting } from './error-reporting.ts';
import { openErrorReporter } from './error-reporter.ts';

/** Where and how a core error is reported. */
export interface CoreErrorOptions {
  /** Nothing happens when it is empty. */
  readonly dsn: string;
  readonly environment: string;
  /** gatewayd's version. */
  readonly release: string;
  /** Whether the error's text is sent. */
  readonly messages: boolean;
}

const flushMilliseconds = 500;

/**
 * Reports the error that ends a command which hosts no plugins; for the launcher, which imports this only then.
 * Takes at most half a second and never fails.
 */
export async function reportCoreError(error: unknown, options: CoreErrorOptions): Promise<void> {
  const { release: version, ...rest } = options;
  const reporting = new ErrorReporting(() => {});
  if (options.dsn === '') return;
  try {
    const reporter = openErrorReporter({ ...rest, version, plugins: { each() {} }, hookNames: new Set(), reporting });
    reporter.captureCore(error, true);
    await reporting.flush(flushMilliseconds);
  } catch {
    // The command is ending on an error already; that one, and not this, is what its user is told.
  } finally {
    reporting.end();
  }
}
