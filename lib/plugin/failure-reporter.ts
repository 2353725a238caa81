import { GatewayDError, messageOf, type ErrorDefinition } from '../errors.ts';
import type { FailurePhase } from '../hooks/loaded-plugin.ts';
import type { Logger } from '../logger.ts';
import { pluginErrors } from './errors.ts';
import type { ManagedPlugin } from './managed-plugin.ts';

/** What is said of something a plugin threw, by where it happened. */
const definitions: Readonly<Record<FailurePhase, ErrorDefinition>> = {
  load: pluginErrors.PLUGIN_IMPORT_FAILED,
  apply: pluginErrors.PLUGIN_APPLY_FAILED,
  hook: pluginErrors.PLUGIN_TAP_FAILED,
  deactivate: pluginErrors.PLUGIN_DEACTIVATE_FAILED,
  async: pluginErrors.PLUGIN_UNCAUGHT,
  crash: pluginErrors.PLUGIN_UNCAUGHT,
  health: pluginErrors.PLUGIN_UNCAUGHT,
  reported: pluginErrors.PLUGIN_REPORTED,
};

/** Where a failure happened. */
export interface FailurePlace {
  readonly hook: string | null;
  readonly phase: FailurePhase;
}

/** Gives what a plugin threw a code, unless it is an error of ours, which has one. */
export function coded(plugin: ManagedPlugin, error: unknown, { hook, phase }: FailurePlace): GatewayDError {
  if (GatewayDError.is(error)) return error;
  const values = { plugin: plugin.name, hook: hook ?? '', reason: messageOf(error) };
  return new GatewayDError(definitions[phase], values, { cause: error });
}

/**
 * Puts one failure of a plugin on record: one line in the log, then the plugin's `hooks.error`. Of failures that come by
 * the dozen it only says how many there were. Never throws.
 */
export function reportFailure(logger: Logger, plugin: ManagedPlugin, error: unknown, place: FailurePlace): void {
  const left = plugin.throttle.admit(placeName(place));
  if (left === null) return;
  const { code, message, mend } = coded(plugin, error, place);
  const { name, version, generation } = plugin;
  const thrown = thrownBy(error);
  const fields = {
    plugin: name,
    version,
    generation,
    ...place,
    ...(left.unsaid > 0 ? { suppressed: left.unsaid } : {}),
    code,
    mend,
  };
  try {
    logger.error({ ...fields, err: thrown }, message);
  } catch {
    // A getter that throws, causes that go round: what cannot be written must not cost the start, nor the process.
    logger.error(fields, message);
  }
  recordFailure(plugin, thrown, place, left.suppressed);
}

/** Tells the taps of the plugin's `hooks.error` of a failure. Never throws. */
export function recordFailure(plugin: ManagedPlugin, error: unknown, place: FailurePlace, suppressed = 0): void {
  const { name, version, generation } = plugin;
  plugin.failures.add(Object.freeze({ error, plugin: name, version, generation, suppressed, ...place }));
}

const placeName = ({ hook, phase }: FailurePlace): string => (hook === null ? phase : `${phase} ${hook}`);

/** What the plugin itself threw, where our error only says so: its stack is the one that helps. */
function thrownBy(error: unknown): unknown {
  const wraps: readonly ErrorDefinition[] = [
    pluginErrors.PLUGIN_IMPORT_FAILED,
    pluginErrors.PLUGIN_SYNTAX_ERROR,
    pluginErrors.PLUGIN_APPLY_FAILED,
    pluginErrors.PLUGIN_DEACTIVATE_FAILED,
  ];
  const isWrapped = GatewayDError.is(error) && 'cause' in error && wraps.some(({ code }) => code === error.code);
  return isWrapped ? error.cause : error;
}
