/** Who is told of errors that nobody caught. */
export interface UncaughtHandlers {
  /** Takes an error that is a plugin's; false when it is not. Called in the context the error was met in. */
  readonly contain: (error: unknown) => boolean;
  /** Gets every other one. What becomes of the process is for it to decide. */
  readonly otherwise: (error: unknown, origin: NodeJS.UncaughtExceptionOrigin) => void;
  /** Gets one that ends the process when this returns, because somebody took away the listeners that would contain it. */
  readonly doomed?: (error: unknown) => void;
}

/**
 * Stands between uncaught exceptions, unhandled rejections included, and the end of the process: a plugin's is
 * contained and the process goes on; any other goes to `otherwise`.
 * @returns the function that ends it
 */
export function containUncaught({ contain, otherwise, doomed }: UncaughtHandlers): () => void {
  const onException = (error: unknown, origin: NodeJS.UncaughtExceptionOrigin): void => {
    if (!contain(error)) otherwise(error, origin);
  };
  const onRejection = (reason: unknown): void => onException(reason, 'unhandledRejection');
  const onAny = (error: unknown): void => {
    if (process.listenerCount('uncaughtException') === 0) doomed?.(error);
  };
  process.on('uncaughtException', onException);
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtExceptionMonitor', onAny);
  return () => {
    process.off('uncaughtException', onException);
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtExceptionMonitor', onAny);
  };
}
