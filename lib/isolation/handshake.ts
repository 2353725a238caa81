import { GatewayDError } from '../errors.ts';
import type { HookName } from '../hooks/hooks.ts';
import { within } from '../plugin/deadline.ts';
import { pluginErrors } from '../plugin/errors.ts';
import type { Loading } from '../plugin/loader.ts';
import type { Host } from '../plugin/plugin.ts';
import { uncross } from './crossed.ts';
import { isolationErrors } from './errors.ts';
import { record, text } from './expected.ts';
import type { GuestError } from './guest-error.ts';
import type { Incarnation } from './incarnation.ts';
import type { IsolationOptions } from './isolation-options.ts';
import type { ModuleRecord, PluginRecord } from './wire.ts';

/** Takes a guest through its steps: each is asked for, and waited for no longer than it may take. */
export class Handshake {
  readonly #loading: Loading;
  readonly #options: IsolationOptions;
  readonly #error: GuestError;

  constructor(loading: Loading, options: IsolationOptions, error: GuestError) {
    this.#loading = loading;
    this.#options = options;
    this.#error = error;
  }

  /** Waits until the thread or process runs, and until it has imported the plugin. */
  async load(guest: Incarnation): Promise<ModuleRecord> {
    const { ready, milliseconds } = this.#loading;
    const { startTimeout, logger } = this.#options;
    await within(startTimeout, guest.step('ready'), () =>
      this.#error(isolationErrors.ISOLATION_START_TIMEOUT, { milliseconds: startTimeout }),
    );
    guest.link.post([
      'begin',
      {
        plugin: ready.name,
        path: ready.path,
        entryPoint: ready.manifest.entryPoint,
        version: ready.manifest.version,
        needsModuleHooks: ready.needsModuleHooks,
        // Whoever waits here is the one to say so: nothing in there can be relied on to.
        importTimeout: milliseconds * 2,
        logLevel: logger.level,
      },
    ]);
    const module = await within(milliseconds, guest.step('loaded'), () => {
      const values = { plugin: ready.name, milliseconds };
      return new GatewayDError(pluginErrors.PLUGIN_IMPORT_TIMEOUT, values);
    });
    return moduleRecord(module);
  }

  /** How long that may take is for the caller to say. */
  async apply(guest: Incarnation, host: Host, plugins: readonly PluginRecord[]): Promise<void> {
    const applied = guest.step('applied');
    const usedHooks = (Object.keys(host.hooks) as HookName[]).filter((name) => host.hooks[name].isUsed());
    guest.link.post(['apply', { version: host.version, config: host.config, plugins, usedHooks }]);
    await applied;
  }

  /** @throws what the plugin threw */
  async deactivate(guest: Incarnation): Promise<void> {
    const deactivated = guest.step('deactivated');
    guest.link.post(['deactivate']);
    const { milliseconds } = this.#loading;
    const error = await within(milliseconds, deactivated, () => {
      const values = { plugin: this.#loading.ready.name, milliseconds };
      return new GatewayDError(pluginErrors.PLUGIN_DEACTIVATE_TIMEOUT, values);
    });
    // eslint-disable-next-line typescript/only-throw-error -- whatever the plugin threw
    if (error !== null) throw uncross(error);
  }
}

function moduleRecord(given: unknown): ModuleRecord {
  const { version, requires, private: isPrivate, permissions } = record(given);
  if (!(requires instanceof Map)) throw new TypeError('requirements that are none');
  const entries = [...requires].map(([name, range]) => [text(name), text(range)] as const);
  return { version: text(version), requires: new Map(entries), private: isPrivate === true, permissions };
}
