/**
 * Throws `error` once the running code is done, as an uncaught exception: a fault of gatewayd's own must neither break
 * the chain it was met in nor be hidden.
 */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
