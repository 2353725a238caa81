/**
 * A signal that is aborted when `life` is, or after `milliseconds`. (`AbortSignal.any` with `AbortSignal.timeout` does
 * not do: on Node 20 nothing holds the timeout, and it may be collected before it comes.)
 */
export function limited(life: AbortSignal, milliseconds: number): AbortSignal {
  const limit = new AbortController();
  const end = () => limit.abort();
  const timer = setTimeout(end, milliseconds).unref();
  limit.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  if (life.aborted) end();
  else life.addEventListener('abort', end, { once: true, signal: limit.signal });
  return limit.signal;
}
