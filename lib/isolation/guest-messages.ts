import type { Logger } from '../logger.ts';
import type { Loading } from '../plugin/loader.ts';
import type { Host } from '../plugin/plugin.ts';
import { uncross } from './crossed.ts';
import { count, list, text } from './expected.ts';
import { logLines } from './guest-log.ts';
import type { Incarnation } from './incarnation.ts';
import type { ProxyTaps } from './proxy-taps.ts';

/** What a guest's messages are about. */
export interface GuestSubjects {
  readonly guest: Incarnation;
  /** Null before `apply`. */
  readonly host: Host | null;
  readonly taps: ProxyTaps;
  readonly logger: Logger;
  readonly report: Loading['report'];
  /** The guest wants to hear of a plugin's failures. */
  watch(plugin: string): void;
}

/** Does what a guest's message asks for. @throws where it is not what a guest sends */
export function takeMessage(op: string, values: readonly unknown[], subjects: GuestSubjects): void {
  const { guest, host, taps, logger, report } = subjects;
  const [, first, second, third] = values;
  switch (op) {
    case 'ready':
    case 'loaded':
    case 'applied':
    case 'deactivated':
      return guest.done(op, first);
    case 'notLoaded':
      return guest.failed('loaded', uncross(first));
    case 'notApplied':
      return guest.failed('applied', uncross(first));
    case 'tap':
      if (host === null) throw new TypeError('a tap before apply');
      return taps.add(host, {
        number: count(first),
        hook: text(second),
        name: text(third),
        stage: values[4] === null ? null : Number(values[4]),
        before: list(values[5]).map(text),
      });
    case 'report':
      return report(uncross(first), {
        hook: second === null ? null : text(second),
        phase: third === 'async' ? 'async' : 'reported',
      });
    case 'late':
      return report(uncross(second), { hook: first === null ? null : text(first), phase: 'hook' });
    case 'emit':
      return host?.emit(text(first), uncross(second));
    case 'watch':
      return subjects.watch(text(first));
    case 'exiting':
      return guest.exiting(count(first));
    case 'log':
      return logLines(logger, list(first).map(text), count(second));
    default:
      throw new TypeError(`a message called ${op.slice(0, 100)}`);
  }
}
