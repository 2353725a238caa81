import type { LoadedPlugin, LoadedPlugins, PluginFailure } from '../../lib/index.ts';
import { codeTags, safeExceptions, type ExceptionOptions } from './exceptions.ts';
import type { FloodGate } from './flood.ts';
import { type NodeClient, Scope } from './sentry-sdk.ts';

type Integration = Parameters<NodeClient['addIntegration']>[0];

/** What the integration works with. */
export interface PluginErrorsOptions {
  readonly plugins: Pick<LoadedPlugins, 'each'>;
  readonly gate: FloodGate;
  readonly exceptions: ExceptionOptions;
}

/** The hook of a failure may be a word of the plugin's own. */
const hookTag = (hook: string | null): string =>
  hook === null ? 'none' : /^[\w.:-]{1,64}$/.test(hook) ? hook : 'other';

/** What a row or a file that is no plugin is called may be a path, or an address: only what can be a plugin's name goes. */
const nameTag = (name: string): string => (/^(?:@[\w.~-]+\/)?[A-Za-z0-9][\w.~ -]{0,213}$/.test(name) ? name : 'other');

function tagsOf({ name, version, checksum }: LoadedPlugin): Record<string, string> {
  return { 'plugin.name': nameTag(name), 'plugin.version': version, 'plugin.checksum': checksum };
}

/**
 * A Sentry integration that sends every failure of every plugin, each in its plugin's own scope: those that come,
 * and those that each error hook still remembers from before. Add it with `client.addIntegration()`.
 */
export function pluginErrorsIntegration({ plugins, gate, exceptions }: PluginErrorsOptions): Integration {
  return {
    name: 'PluginErrors',
    setup(client) {
      const capture = (plugin: LoadedPlugin, scope: Scope, { hook, phase, error }: PluginFailure): void => {
        const tags = { hook: hookTag(hook), phase };
        const suppressed = gate.admit(`${plugin.name} ${tags.hook}`);
        if (suppressed === null) return;
        // A single file's version is known once it was imported, which may be after its first failure.
        scope.setTags(tagsOf(plugin));
        client.captureEvent(
          {
            level: 'error',
            tags: { ...tags, ...codeTags(error) },
            exception: { values: safeExceptions(error, exceptions) },
            ...(suppressed > 0 && { extra: { suppressed } }),
          },
          {},
          scope,
        );
      };
      plugins.each((plugin) => {
        const scope = new Scope();
        plugin.hooks.error.tap('sentry', (failure) => capture(plugin, scope, failure));
      });
    },
  };
}
