import { defineErrors } from '../errors.ts';

/** What can go wrong between the hook bus and its taps. */
export const hooksErrors = defineErrors({
  HOOK_UNKNOWN: {
    message: 'Plugin {plugin} tapped a hook called {hook}, which does not exist',
    mend: 'Did you mean {nearest}? docs/hooks.md lists them all.',
  },
  HOOK_BAD_TAP: {
    message: 'Plugin {plugin} tapped hook {hook} wrongly: {reason}',
    mend: 'Call hooks.{hook}.tap(name, function); the name may be an object { name, stage, before }.',
  },
  HOOK_NOT_YOURS: {
    message: 'Plugin {plugin} used {member} of hook {hook}, which is for gatewayd alone',
    mend: 'A plugin only taps hooks: tap, tapAsync, tapPromise, withOptions and isUsed. To send something to all plugins, use host.emit(name, data).',
  },
  HOOK_BAD_RESULT: {
    message: 'Tap {tap} of plugin {plugin} returned {got} from hook {hook}, which takes {expected} or undefined',
    mend: 'Return what is asked for, or nothing: an arrow function without braces returns the value of its expression.',
  },
  HOOK_BAD_CONFIG: {
    message: 'Tap {tap} of plugin {plugin} returned a wrong configuration from {hook}: {reason}',
    mend: 'Mend what the plugin changes; until then it is as if the tap had returned nothing.',
  },
  HOOK_TIMEOUT: {
    message: 'Tap {tap} of plugin {plugin} on hook {hook} took longer than its limit of {limit} ms',
    mend: "See what the tap waits for; the limit is `timeout` in the plugin host section of the configuration, or `timeout` or `timeouts` in the plugin's row.",
  },
  HOOK_ANSWERED_TWICE: {
    message: 'Tap {tap} of plugin {plugin} on hook {hook} called back more than once, or after it had thrown',
    mend: 'Call the callback once on every path; what comes after the first answer is ignored.',
  },
  HOOK_GUARD_FAILED: {
    message: 'a plugin that guards this connection failed',
    mend: "The gateway's log says which and why. The plugin's row in the configuration has `onError: refuse`.",
    sqlstate: '58000',
  },
  HOOK_BAD_SQLSTATE: {
    message: '{sqlstate} is not an SQLSTATE',
    mend: 'An SQLSTATE is five of A-Z and 0-9, such as 28000.',
  },
});
