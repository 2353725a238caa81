import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import type { FailureContext, ViewOwner } from '../../lib/hooks/view-owner.ts';

/** A view's owner that keeps what it is told. */
export class RecordingOwner implements ViewOwner {
  readonly name: string;
  onError: ViewOwner['onError'];
  timeout: number;
  active = true;
  readonly failures: { readonly error: unknown; readonly context: FailureContext }[] = [];
  /** Holds the owner's name inside the owner's taps. */
  static readonly storage = new AsyncLocalStorage<string>();

  constructor(
    name: string,
    { onError = 'skip', timeout = 10_000 }: Partial<Pick<ViewOwner, 'onError' | 'timeout'>> = {},
  ) {
    this.name = name;
    this.onError = onError;
    this.timeout = timeout;
  }

  get errors(): unknown[] {
    return this.failures.map(({ error }) => error);
  }

  fail(error: unknown, context: FailureContext): void {
    this.failures.push({ error, context });
  }

  scope(): AsyncResource {
    return RecordingOwner.storage.run(this.name, () => new AsyncResource('SPEC'));
  }
}
