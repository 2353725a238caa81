import type { Loading, Runner } from '../plugin/loader.ts';
import type { PluginModule } from '../plugin/plugin-module.ts';
import type { Isolation, IsolationOptions } from './isolation-options.ts';
import { Supervisor } from './supervisor.ts';

/** Runs plugins in a thread or a process of their own. */
export function isolatedRunner(isolation: Isolation, options: IsolationOptions): Runner {
  return {
    async load(loading: Loading): Promise<PluginModule> {
      const supervisor = new Supervisor(loading, isolation, options);
      try {
        const module = await supervisor.load();
        loading.watchPlugins(() => supervisor.pluginsChanged());
        return {
          ...module,
          // Checked in the guest: the plugin's schema is as much the plugin's as its code is.
          configSchema: undefined,
          plugin: {
            apply: async (host) => {
              await supervisor.apply(host);
              return () => supervisor.deactivate();
            },
          },
          release: () => supervisor.release(),
        };
      } catch (error) {
        supervisor.release();
        throw error;
      }
    },
  };
}
