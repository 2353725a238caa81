import { messageOf } from '../errors.ts';
import type { Loading } from '../plugin/loader.ts';
import { isolationErrors } from './errors.ts';
import type { GuestError } from './guest-error.ts';
import type { LinkWatcher } from './guest-link.ts';

/** Puts on record, as the plugin's, what did not get to its guest. */
export function linkReports(
  report: Loading['report'],
  error: GuestError,
): Pick<LinkWatcher, 'overloaded' | 'unsent' | 'leftBehind'> {
  return {
    overloaded(underWay) {
      report(error(isolationErrors.ISOLATION_OVERLOADED, underWay), { hook: null, phase: 'health' });
    },
    unsent(hook, reason) {
      const what = `the payload of ${hook}, ${messageOf(reason)},`;
      report(error(isolationErrors.ISOLATION_CANNOT_CROSS, { what }), { hook, phase: 'hook' });
    },
    leftBehind(event, path, kind) {
      const what = `${kind} in data${path === '' ? '' : `.${path}`} of event ${event}`;
      report(error(isolationErrors.ISOLATION_CANNOT_CROSS, { what }), { hook: 'hook', phase: 'hook' });
    },
  };
}
