import { FolderWatch } from '../control/folder-watch.ts';
import type { Logger } from '../logger.ts';
import type { Reloader } from './reloader.ts';

/**
 * Loads anew what changes in the plugins folder. What could not be loaded is tried again with the next change; what
 * changes during a reload, which may have read it before or after, is loaded by another one.
 */
export async function watchPlugins(folder: string, reloader: Reloader, logger: Logger): Promise<FolderWatch> {
  const changed = new Set<string>();
  let [isReloading, again] = [false, false];
  const reload = async (): Promise<void> => {
    again = true;
    if (isReloading) return;
    isReloading = true;
    while (again) {
      again = false;
      const entries = [...changed];
      changed.clear();
      // Not before: the reload that was under way may have loaded a new plugin.
      const plugins = reloader.host.loaded.filter(({ examined }) => entries.includes(examined.source?.entry ?? ''));
      const done = await reloader.reloadAndLog({ plugins: plugins.map(({ name }) => name) });
      if (!done) for (const entry of entries) changed.add(entry);
    }
    isReloading = false;
  };
  const watch = new FolderWatch({
    folder,
    changed: (entries) => {
      for (const entry of entries) changed.add(entry);
      logger.info({ entries: [...changed] }, 'the plugins folder has changed');
      void reload();
    },
  });
  await watch.start();
  return watch;
}
