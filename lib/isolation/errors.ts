import { defineErrors } from '../errors.ts';

/** What can go wrong with a plugin in a thread or process of its own, beside what can go wrong with any plugin. */
export const isolationErrors = defineErrors({
  ISOLATION_START_FAILED: {
    message: 'The {place} of plugin {plugin} could not be started: {reason}',
    mend: 'See the reason; a {place} takes memory and, for a process, the right to start one.',
  },
  ISOLATION_START_TIMEOUT: {
    message: 'The {place} of plugin {plugin} did not start within {milliseconds} ms',
    mend: 'See what keeps the machine busy; the limit is `pluginHost.startTimeout`.',
  },
  ISOLATION_CRASHED: {
    message: 'The {place} of plugin {plugin} died: {reason}; calls under way: {calls}, {next}',
    mend: 'What the plugin wrote last is in the log. Its calls follow `onError` until it is back.',
  },
  ISOLATION_OUT_OF_MEMORY: {
    message: 'Plugin {plugin} needed more memory than the {limit} MB of its {place}; calls under way: {calls}, {next}',
    mend: 'Mend what grows in the plugin, or raise `memoryLimit` in its row.',
  },
  ISOLATION_HANGS: {
    message:
      'Plugin {plugin} hangs: its {place} has answered nothing for {milliseconds} ms and was ended; calls under way: {calls}, {next}',
    mend: 'Look for an endless loop in the plugin, or for what stopped its process.',
  },
  ISOLATION_BAD_ANSWER: {
    message:
      'The {place} of plugin {plugin} sent what no plugin host sends and was ended: {reason}; calls under way: {calls}, {next}',
    mend: "Something in the plugin writes where only gatewayd's own part of the {place} may write.",
  },
  ISOLATION_AWAY: {
    message: 'Plugin {plugin} is not there: {reason}',
    mend: 'See what is reported of its crash.',
  },
  ISOLATION_RESTART_FAILED: {
    message: 'Plugin {plugin} could not be started again: {reason}; {next}',
    mend: 'See the reason.',
  },
  ISOLATION_TAPS_DIFFER: {
    message: 'Plugin {plugin} taps other hooks than before its restart: {difference}',
    mend: 'Let apply tap the same hooks each time it is called.',
  },
  ISOLATION_OVERLOADED: {
    message: 'Plugin {plugin} has {calls} calls with {bytes} bytes under way and takes no more for now',
    mend: 'Make the plugin faster, or let it tap less.',
  },
  ISOLATION_CANNOT_CROSS: {
    message: 'Plugin {plugin} runs in a {place}, where {what} cannot go',
    mend: 'Use plain data there, or set `isolation: none`.',
  },
});
