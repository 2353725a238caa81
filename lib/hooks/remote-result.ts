/**
 * What a tap that runs somewhere else is going to give. Unlike a promise it costs next to nothing: it is settled by
 * gatewayd's own code alone, after the tap has returned it, and one listener hears of it, in the same turn.
 */
export class RemoteResult {
  #settled: ((result: unknown) => void) | null = null;
  #failed: ((error: unknown) => void) | null = null;

  /** Whoever waits for it; nobody else does. */
  listen(settled: (result: unknown) => void, failed: (error: unknown) => void): void {
    this.#settled = settled;
    this.#failed = failed;
  }

  settle(result: unknown): void {
    this.#settled?.(result);
  }

  fail(error: unknown): void {
    this.#failed?.(error);
  }
}
