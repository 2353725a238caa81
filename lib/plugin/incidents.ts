import { GatewayDError, messageOf } from '../errors.ts';
import type { BreakerChange } from '../hooks/circuit-breaker.ts';
import type { HookName } from '../hooks/hooks.ts';
import type { FailurePhase } from '../hooks/loaded-plugin.ts';
import type { Logger } from '../logger.ts';
import type { Attribution } from './attribution.ts';
import { pluginErrors } from './errors.ts';
import { isElsewhere } from './examine.ts';
import { recordFailure, reportFailure, type FailurePlace } from './failure-reporter.ts';
import { urlOfFunction } from './function-place.ts';
import type { Patch } from './global-guard.ts';
import type { ManagedPlugin } from './managed-plugin.ts';
import type { Hang } from './watchdog.ts';

/** What incidents are put on record with. */
export interface IncidentParts {
  readonly logger: Logger;
  readonly attribution: Attribution<ManagedPlugin>;
  /** All plugins of the generation. */
  readonly plugins: () => readonly ManagedPlugin[];
}

/** Puts on record what happens to the plugins of one generation: in the log and, where it is a failure, in their `hooks.error`. */
export class Incidents {
  readonly #logger: Logger;
  readonly #attribution: Attribution<ManagedPlugin>;
  readonly #plugins: IncidentParts['plugins'];

  constructor({ logger, attribution, plugins }: IncidentParts) {
    this.#logger = logger;
    this.#attribution = attribution;
    this.#plugins = plugins;
  }

  /** A failure of a plugin. Never throws. */
  report(plugin: ManagedPlugin, error: unknown, place: FailurePlace): void {
    reportFailure(this.#logger, plugin, error, place);
  }

  /** Something that is no failure of one plugin. */
  warn({ code, message, mend }: GatewayDError, fields: object): void {
    try {
      this.#logger.warn({ ...fields, code, mend }, message);
    } catch {
      // What cannot be written is what a plugin threw.
      this.#logger.warn({ code, mend }, message);
    }
  }

  /** A function that a plugin gave to `plugins.each` threw. */
  visitorFailed(error: unknown, plugin: string): void {
    const owner = this.#attribution.ofError(error);
    if (owner) {
      this.report(owner, error, { hook: null, phase: 'reported' });
      return;
    }
    const failed = new GatewayDError(pluginErrors.PLUGIN_VISITOR_FAILED, { plugin, reason: messageOf(error) });
    this.warn(failed, { err: error });
  }

  /** A tap of a plugin's `hooks.error` threw. */
  errorTapFailed(error: unknown, plugin: string, tap: string): void {
    const failed = new GatewayDError(pluginErrors.PLUGIN_ERROR_TAP_FAILED, { plugin, tap, reason: messageOf(error) });
    this.warn(failed, { plugin, err: error });
  }

  /** One line in the log for each opening and closing of a breaker; an opening is a failure of the plugin, too. */
  breakerChanged(plugin: ManagedPlugin, hook: HookName, { state, ...counts }: BreakerChange): void {
    const { name, generation } = plugin;
    const fields = { plugin: name, generation, hook, ...counts };
    if (state === 'closed') {
      this.#logger.info(fields, 'plugin is back in the hook it was left out of');
      return;
    }
    const error = new GatewayDError(pluginErrors.PLUGIN_TAPS_PAUSED, { plugin: name, hook, ...counts });
    this.warn(error, fields);
    recordFailure(plugin, error, { hook, phase: 'hook' });
    plugin.misbehaviour?.paused(hook);
  }

  /** @returns whether it is a loaded plugin of this generation */
  hung({ plugin: name, hook, stack, since }: Hang): boolean {
    const plugin = this.#plugins().find((one) => one.name === name && one.state === 'loaded');
    if (plugin === undefined) return false;
    const cause = new Error('its stack while it did');
    cause.stack = [`Error: ${cause.message}`, ...stack.map((frame) => `    ${frame}`)].join('\n');
    const milliseconds = Math.round(Number(process.hrtime.bigint()) / 1e6 - since);
    const values = { plugin: name, milliseconds };
    const error = new GatewayDError(pluginErrors.PLUGIN_HUNG, values, stack.length > 0 ? { cause } : undefined);
    this.report(plugin, error, { hook, phase: hook === null ? 'async' : 'hook' });
    plugin.misbehaviour?.hung(milliseconds);
    return true;
  }

  /** @param likely the plugin whose code just ran, if in gatewayd; null where nobody knows */
  patched(patch: Patch, likely: ManagedPlugin | null, phase: FailurePhase): void {
    const { what } = patch;
    const outcome = patch.restored ? 'it was put back' : 'it cannot be put back';
    const suspects = this.#plugins().filter(
      ({ examined, face }) => examined.state === 'found' && face.trust !== 'built-in' && !isElsewhere(examined),
    );
    const plugin = this.#writerOf(patch.by) ?? likely ?? (suspects.length === 1 ? suspects[0] : undefined);
    if (plugin !== undefined) {
      const error = new GatewayDError(pluginErrors.PLUGIN_PATCHED, { plugin: plugin.name, what, outcome });
      this.report(plugin, error, { hook: null, phase });
      return;
    }
    const plugins = suspects.map(({ name }) => name).join(', ');
    this.warn(new GatewayDError(pluginErrors.PLUGINS_PATCHED, { plugins, what, outcome }), {});
  }

  /** Whose code a function stands in. */
  #writerOf(value: unknown): ManagedPlugin | undefined {
    const url = urlOfFunction(value);
    return url === undefined ? undefined : this.#attribution.ofUrl(url);
  }
}
