import type { ErrorEvent, EventHint, Exception, StackFrame } from '@sentry/node';

const tagNames = ['plugin.name', 'plugin.version', 'plugin.checksum', 'hook', 'phase', 'code', 'sqlstate', 'gatewayd'];

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]]))) as Pick<T, K>;
}

const frameOf = (frame: StackFrame) => pick(frame, ['filename', 'function', 'lineno', 'colno', 'in_app']);

function exceptionOf({ stacktrace, mechanism, ...exception }: Exception): Exception {
  return {
    ...pick(exception, ['type', 'value']),
    ...(mechanism !== undefined && { mechanism: pick(mechanism, ['type', 'handled']) }),
    ...(stacktrace?.frames !== undefined && { stacktrace: { frames: stacktrace.frames.map(frameOf) } }),
  };
}

/**
 * The last thing that happens to an event: it is made anew from what may be sent. The SDK merges into an event what
 * any code of the process put into the global scope, attachments included; none of that is ours to send.
 */
export function allowListed(event: ErrorEvent, hint: EventHint): ErrorEvent {
  hint.attachments = [];
  const tags = Object.entries(event.tags ?? {}).filter(([name, value]) => {
    return tagNames.includes(name) && typeof value === 'string';
  });
  const suppressed = event.extra?.['suppressed'];
  return {
    type: undefined,
    ...pick(event, ['event_id', 'timestamp', 'platform', 'level', 'release', 'environment']),
    exception: { values: (event.exception?.values ?? []).map(exceptionOf) },
    tags: Object.fromEntries(tags),
    ...(typeof suppressed === 'number' && { extra: { suppressed } }),
  };
}
