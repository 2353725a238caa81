import { GatewayDError } from '../errors.ts';
import { emit } from '../hooks/dispatch.ts';
import type { BreakerChange } from '../hooks/circuit-breaker.ts';
import type { HookName, Hooks } from '../hooks/hooks.ts';
import type { LoadedPlugins } from '../hooks/loaded-plugin.ts';
import { createView } from '../hooks/view.ts';
import type { ViewOwner } from '../hooks/view-owner.ts';
import type { Attribution } from './attribution.ts';
import { within } from './deadline.ts';
import { pluginErrors } from './errors.ts';
import type { FailurePlace } from './failure-reporter.ts';
import { limitsOf } from './limits.ts';
import { LoggerFamily } from './logger-family.ts';
import type { ManagedPlugin } from './managed-plugin.ts';
import type { PluginHostOptions } from './options.ts';
import { pluginConfig } from './plugin-config.ts';
import { PluginContext } from './plugin-context.ts';
import type { Deactivate } from './plugin.ts';
import { requirementFailed } from './requirements.ts';

/** What activating a plugin takes from its host. */
export interface ActivationParts {
  readonly options: PluginHostOptions;
  readonly bus: Hooks;
  readonly plugins: LoadedPlugins;
  readonly attribution: Attribution<ManagedPlugin>;
  /** Time limit of `apply` and of deactivating, each, in milliseconds. */
  readonly limit: number;
  readonly report: (plugin: ManagedPlugin, error: unknown, place: FailurePlace) => void;
  readonly breakerChanged: (plugin: ManagedPlugin, hook: HookName, change: BreakerChange) => void;
}

/** Calls plugins' `apply`, and at stop what that returned: in their own context and within the time limit. */
export class Activation {
  readonly #parts: ActivationParts;

  constructor(parts: ActivationParts) {
    this.#parts = parts;
  }

  /** @throws whatever keeps the plugin from being loaded */
  async apply(plugin: ManagedPlugin): Promise<void> {
    const { attribution, limit, plugins } = this.#parts;
    const { name, module, requires } = plugin;
    if (module === null) return;
    const missing = [...requires.keys()].find((required) => required !== 'gatewayd' && !plugins.get(required));
    if (missing !== undefined) throw requirementFailed(name, missing);
    // Before any of its code runs: what is wrong with its row is not the plugin's fault.
    plugin.owner = this.#ownerOf(plugin);
    const context = await this.#contextFor(plugin, module.configSchema);
    const applied = attribution.run(plugin, async () => module.plugin.apply(context));
    const result: unknown = await within(limit, applied, () => {
      this.#undo(plugin, applied);
      return new GatewayDError(pluginErrors.PLUGIN_APPLY_TIMEOUT, { plugin: name, milliseconds: limit });
    });
    if (typeof result !== 'function' && result !== undefined) {
      const got = result === null ? 'null' : `a ${typeof result}`;
      throw new GatewayDError(pluginErrors.PLUGIN_BAD_DEACTIVATE, { plugin: name, got });
    }
    plugin.deactivate = (result as Deactivate | undefined) ?? null;
    plugin.transition('loaded');
  }

  /** @throws whatever the plugin throws, or PLUGIN_DEACTIVATE_TIMEOUT */
  async deactivate(plugin: ManagedPlugin): Promise<void> {
    if (plugin.deactivate !== null) await this.#run(plugin, plugin.deactivate);
  }

  /** What an `apply` did that ended after its time limit. */
  #undo(plugin: ManagedPlugin, applied: Promise<unknown>): void {
    applied
      .then((result) => (typeof result === 'function' ? this.#run(plugin, result as Deactivate) : undefined))
      .catch((error: unknown) => this.#parts.report(plugin, error, { hook: null, phase: 'apply' }));
  }

  async #run(plugin: ManagedPlugin, deactivate: Deactivate): Promise<void> {
    const { attribution, limit } = this.#parts;
    const work = attribution.run(plugin, async () => deactivate());
    await within(limit, work, () => {
      const values = { plugin: plugin.name, milliseconds: limit };
      return new GatewayDError(pluginErrors.PLUGIN_DEACTIVATE_TIMEOUT, values);
    });
  }

  async #contextFor(plugin: ManagedPlugin, configSchema: object | undefined): Promise<PluginContext> {
    const { options, bus, plugins, report } = this.#parts;
    const { name, examined } = plugin;
    return new PluginContext({
      version: options.version,
      plugin: plugin.face,
      plugins,
      config: await pluginConfig(name, examined.row?.config, {
        schema: configSchema,
        compiled: options.compiledSchemas,
        describe: options.describeConfigFault,
      }),
      hooks: () => this.#viewFor(plugin),
      logger: () => (plugin.loggers ??= new LoggerFamily(options.logger.child({ plugin: name }))).logger,
      reportError: (error, context) => report(plugin, error, { hook: context?.hook ?? null, phase: 'reported' }),
      emit: (event, data) => emit(bus.hook, Object.freeze({ name: event, data })),
    });
  }

  #viewFor(plugin: ManagedPlugin): Hooks {
    plugin.owner ??= this.#ownerOf(plugin);
    plugin.view ??= createView(this.#parts.bus, plugin.owner);
    return plugin.view;
  }

  #ownerOf(plugin: ManagedPlugin): ViewOwner {
    const { options, attribution, report, breakerChanged } = this.#parts;
    const { name, generation, examined } = plugin;
    return {
      name,
      generation,
      onError: examined.row?.onError ?? 'skip',
      ...limitsOf(name, examined.row, options),
      active: plugin.alive,
      fail: (error, { hook, phase }) => report(plugin, error, { hook, phase }),
      changed: (change) => {
        plugin.changes.add(change);
        if (options.logger.isLevelEnabled('debug'))
          options.logger.debug({ plugin: name, ...change }, 'plugin changed a message');
      },
      breakerChanged: (hook, change) => breakerChanged(plugin, hook, change),
      scope: (hook) => attribution.scope(plugin, hook),
    };
  }
}
